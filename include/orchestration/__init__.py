"""The only layer that knows Airflow: connections, steps, assets, alerts, forms."""
