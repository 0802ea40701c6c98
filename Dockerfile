# Astro Runtime 3.3-x carries Airflow 3.3. Its build triggers install packages.txt and
# requirements.txt and copy the project; PYTHONPATH is the project's root there.
FROM astrocrpublic.azurecr.io/runtime:3.3-8

# The pins in requirements.txt must not have replaced the image's own Airflow by another version.
RUN python -c "from importlib.metadata import version as v; assert v('apache-airflow').split('+')[0] == '3.3.2', v('apache-airflow')"

ENV AIRFLOW__SCHEDULER__SCHEDULER_IDLE_SLEEP_TIME=0.2 \
    AIRFLOW__WORKERS__MIN_HEARTBEAT_INTERVAL=1 \
    AIRFLOW__LOGGING__NAMESPACE_LEVELS=great_expectations=WARNING \
    GX_ANALYTICS_ENABLED=false
