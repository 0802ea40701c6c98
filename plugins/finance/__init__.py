"""Pages for finance and operations inside Airflow's own UI, behind Airflow's own login."""
