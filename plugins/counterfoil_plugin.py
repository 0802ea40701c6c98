"""Registers the pages and their menu entries with Airflow; the pages are in ``finance``.

Airflow loads this file in every one of its processes, so it imports nothing heavy: a page is
built by the API server at its first request.
"""

from __future__ import annotations

import importlib
from typing import Any, ClassVar

from airflow.plugins_manager import AirflowPlugin

# Airflow puts the plugins folder itself on the path, and its loader knows no packages in it.
_mount = importlib.import_module("finance.mount")


class CounterfoilPlugin(AirflowPlugin):  # type: ignore[misc]  # Airflow is not checked
    """Counterfoil's part of the Airflow UI."""

    name = "counterfoil"
    fastapi_apps: ClassVar[list[Any]] = [
        {"app": _mount.ProofMount(), "url_prefix": _mount.PREFIX, "name": "Proof"},
        {
            "app": _mount.ProofMount(_mount.build_quarantine_for_airflow),
            "url_prefix": _mount.QUARANTINE_PREFIX,
            "name": "Quarantine",
        },
        {
            "app": _mount.ProofMount(_mount.build_customers_for_airflow),
            "url_prefix": _mount.CUSTOMERS_PREFIX,
            "name": "Customers",
        },
    ]
    fastapi_root_middlewares: ClassVar[list[Any]] = [
        {"middleware": _mount.AddSlash, "name": "Pages without their slash"}
    ]
    external_views: ClassVar[list[Any]] = [
        {
            "name": "Proof",
            "href": f"{_mount.PREFIX}/",
            "destination": "nav",
            "nav_top_level": True,
            "icon": f"{_mount.PREFIX}/static/icon.svg",
            "url_route": "proof",
        },
        {
            "name": "Quarantine",
            "href": f"{_mount.QUARANTINE_PREFIX}/",
            "destination": "nav",
            "nav_top_level": True,
            "icon": f"{_mount.QUARANTINE_PREFIX}/static/quarantine.svg",
            "url_route": "quarantine",
        },
        {
            "name": "Customers",
            "href": f"{_mount.CUSTOMERS_PREFIX}/",
            "destination": "nav",
            "nav_top_level": True,
            "icon": f"{_mount.CUSTOMERS_PREFIX}/static/customers.svg",
            "url_route": "customers",
        },
        {
            "name": "Proof",
            "href": f"{_mount.PREFIX}/run?dag_id={{DAG_ID}}&run_id={{RUN_ID}}",
            "destination": "dag_run",
            "url_route": "proof_run",
        },
    ]


importlib.import_module("finance.preload").preload()
