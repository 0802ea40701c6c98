"""Who may read which proofs: Airflow's own users, by their right to see the DAG's runs."""

from __future__ import annotations

from typing import Any

from airflow.api_fastapi.app import get_auth_manager
from airflow.api_fastapi.auth.managers.models.resource_details import DagAccessEntity, DagDetails
from airflow.api_fastapi.core_api.security import get_user as current_user

__all__ = ["AirflowAccess", "current_user"]


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
