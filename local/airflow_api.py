"""A small client of Airflow's REST API (v2), as one of the stack's own users.

Follows the OpenAPI description that the server publishes, and the simple auth manager's
`POST /auth/token`.
"""

from __future__ import annotations

import time
from typing import Any

import requests

TIMEOUT = (3.05, 60)
REQUIRED_COMPONENTS = ("metadatabase", "scheduler", "dag_processor", "triggerer")


class AirflowApiError(Exception):
    """Airflow refused a request; carries the status and what Airflow said."""

    def __init__(self, status: int, detail: str) -> None:
        super().__init__(f"Airflow answered {status}: {detail}")
        self.status = status
        self.detail = detail


class AirflowApi:
    """Requests to one Airflow in the name of one user."""

    def __init__(self, base_url: str, user: str, password: str) -> None:
        self.base_url = base_url
        self._user = user
        self._password = password
        self._session = requests.Session()
        self._session.trust_env = False  # a proxy has no business between us and 127.0.0.1

    def log_in(self) -> None:
        """Get a token for the user.

        Raises:
            AirflowApiError: the user or the password is wrong.
            requests.RequestException: no answer.
        """
        response = self._session.post(
            f"{self.base_url}/auth/token",
            json={"username": self._user, "password": self._password},
            timeout=TIMEOUT,
        )
        self._raise_for(response)
        self._session.headers["Authorization"] = f"Bearer {response.json()['access_token']}"

    def call(
        self, method: str, path: str, body: object = None, query: dict[str, Any] | None = None
    ) -> Any:
        """Send a request to ``/api/v2`` and decode the answer.

        Args:
            method: HTTP method.
            path: path below ``/api/v2``, with its leading slash.
            body: JSON body, if any.
            query: query parameters; lists repeat the parameter.

        Returns:
            The decoded JSON, or None for an empty answer.

        Raises:
            AirflowApiError: any status of 400 or more.
            requests.RequestException: no answer.
        """
        url = f"{self.base_url}/api/v2{path}"
        response = self._session.request(method, url, json=body, params=query, timeout=TIMEOUT)
        if response.status_code == requests.codes.unauthorized:
            self.log_in()
            response = self._session.request(method, url, json=body, params=query, timeout=TIMEOUT)
        self._raise_for(response)
        return response.json() if response.content else None

    def unhealthy(self) -> list[str]:
        """Name the components that do not report themselves healthy; all when nothing answers."""
        try:
            response = self._session.get(f"{self.base_url}/api/v2/monitor/health", timeout=TIMEOUT)
            health = response.json()
        except requests.RequestException:
            return list(REQUIRED_COMPONENTS)
        return [
            name
            for name in REQUIRED_COMPONENTS
            if (health.get(name) or {}).get("status") != "healthy"
        ]

    def wait_for_dag(self, dag_id: str, seconds: float) -> None:
        """Wait until the DAG processor has parsed a DAG.

        Args:
            dag_id: the DAG.
            seconds: how long to wait.

        Raises:
            TimeoutError: it did not appear; the import errors are in the message.
        """
        deadline = time.monotonic() + seconds
        while True:
            try:
                self.call("GET", f"/dags/{dag_id}")
            except AirflowApiError as error:
                if error.status != requests.codes.not_found:
                    raise
            else:
                return
            if time.monotonic() > deadline:
                errors = self.call("GET", "/importErrors")["import_errors"]
                told = "".join(f"\n{row['filename']}:\n{row['stack_trace']}" for row in errors)
                raise TimeoutError(f"{dag_id} did not appear in {seconds:.0f} s.{told}")
            time.sleep(0.5)

    @staticmethod
    def _raise_for(response: requests.Response) -> None:
        if response.status_code < requests.codes.bad_request:
            return
        try:
            detail = response.json().get("detail", response.text)
        except requests.JSONDecodeError:
            detail = response.text[:500]
        raise AirflowApiError(response.status_code, str(detail))
