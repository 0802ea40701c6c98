"""Who may read and do what: Airflow's own users, by their rights on the channel's DAGs."""

from __future__ import annotations

import logging
from typing import Any

from airflow.api.common.trigger_dag import trigger_dag
from airflow.api_fastapi.app import get_auth_manager
from airflow.api_fastapi.auth.managers.models.resource_details import DagAccessEntity, DagDetails
from airflow.exceptions import AirflowException
from airflow.models import DagModel
from airflow.utils.types import DagRunTriggeredByType

log = logging.getLogger(__name__)


class AirflowAccess:
    """Asks Airflow's auth manager, whichever is configured."""

    def login_url(self, next_url: str) -> str:
        """Return the address of the login page that comes back to ``next_url``."""
        return str(get_auth_manager().get_url_login(next_url=next_url))

    def may_read(self, user: Any, channel: str) -> bool:
        """Tell whether the user may read the runs of the channel's orders DAG."""
        return bool(
            get_auth_manager().is_authorized_dag(
                method="GET",
                access_entity=DagAccessEntity.RUN,
                details=DagDetails(id=f"orders__{channel}"),
                user=user,
            )
        )

    def may_edit(self, user: Any, channel: str) -> bool:
        """Tell whether the user may edit the channel's orders DAG."""
        return bool(
            get_auth_manager().is_authorized_dag(
                method="PUT", details=DagDetails(id=f"orders__{channel}"), user=user
            )
        )

    def name_of(self, user: Any) -> str:
        """Return the name that the user logs in with."""
        return str(user.get_name())


class AirflowReplayer:
    """Starts replays as Airflow's own trigger button does, in the API server."""

    def start(self, channel: str, user_name: str) -> bool:
        """Start a replay of what is marked; return whether it will run without more ado."""
        dag_id = f"quarantine_replay__{channel}"
        try:
            trigger_dag(
                dag_id,
                triggered_by=DagRunTriggeredByType.UI,
                triggering_user_name=user_name,
                conf={"marked": True},
            )
        except (AirflowException, ValueError):
            log.exception("%s could not be started; its orders stay marked", dag_id)
            return False
        dag = DagModel.get_current(dag_id)
        return dag is not None and not dag.is_paused
