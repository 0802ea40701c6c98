"""Where the pages are mounted: shells that Airflow's processes load, and the API server fills.

The pages' imports take a second or more and only the API server serves them, so an application is
built when the first request for it arrives.
"""

from __future__ import annotations

import importlib.util
import sys
import threading
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from starlette.types import ASGIApp, Receive, Scope, Send

PREFIX = "/proof"
QUARANTINE_PREFIX = "/quarantine"
CUSTOMERS_PREFIX = "/customers"
PREFIXES = (PREFIX, QUARANTINE_PREFIX, CUSTOMERS_PREFIX)
PROJECT_ROOT = Path(__file__).resolve().parents[2]


class ProofMount:
    """An ASGI application that is built at its first request.

    Args:
        build: Makes the application; the one for Airflow when absent.
    """

    def __init__(self, build: Callable[[], ASGIApp] | None = None) -> None:
        self._build = build or build_for_airflow
        self._app: ASGIApp | None = None
        self._lock = threading.Lock()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request."""
        if self._app is None:
            with self._lock:
                self._app = self._app or self._build()
        await self._app(scope, receive, send)


class AddSlash:
    """Sends a bare prefix to its mounted page; Airflow's catch-all would answer it instead.

    Args:
        app: The application behind this middleware.
    """

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Redirect a bare prefix, pass everything else on."""
        root = scope.get("root_path", "")
        if scope["type"] == "http" and scope["path"] in [root + prefix for prefix in PREFIXES]:
            from starlette.responses import RedirectResponse

            query = scope.get("query_string", b"").decode("latin-1")
            target = scope["path"] + "/" + (f"?{query}" if query else "")
            await RedirectResponse(target, status_code=307)(scope, receive, send)
            return
        await self._app(scope, receive, send)


def build_for_airflow() -> ASGIApp:
    """Build the Proof page on Airflow's login and on its connection ``counterfoil_staging``."""
    _find_project()
    from airflow.api_fastapi.core_api.security import get_user as current_user

    from .access import AirflowAccess
    from .app import create_app
    from .channel_source import ChannelFiles
    from .source import StagingPlans, StagingSource

    return create_app(
        StagingSource(),
        AirflowAccess(),
        current_user,
        plans=StagingPlans(),
        channels=ChannelFiles(),
    )


def build_quarantine_for_airflow() -> ASGIApp:
    """Build the Quarantine page on Airflow's login, its DAGs and the staging database."""
    _find_project()
    from airflow.api_fastapi.core_api.security import get_user as current_user

    from .access import AirflowAccess, AirflowReplayer
    from .quarantine_app import create_quarantine_app
    from .quarantine_source import StagingDesk

    return create_quarantine_app(StagingDesk(), AirflowAccess(), AirflowReplayer(), current_user)


def build_customers_for_airflow() -> ASGIApp:
    """Build the Customers page on Airflow's login and the staging database."""
    _find_project()
    from airflow.api_fastapi.core_api.security import get_user as current_user

    from .access import AirflowAccess
    from .customer_app import create_customer_app
    from .customer_source import StagingCustomers

    return create_customer_app(StagingCustomers(), AirflowAccess(), current_user)


def _find_project() -> None:
    # Only here, in the API server: on a worker's path the project root would shadow the code of a
    # versioned DAG bundle.
    if importlib.util.find_spec("include") is None:
        sys.path.append(str(PROJECT_ROOT))
