"""The backfill of `make run`, against a stand-in for Airflow's REST API."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from local import backfill
from local.airflow_api import AirflowApiError

DAG = "orders__shopify_gp"
FIRST = datetime(2026, 11, 18, tzinfo=UTC)
LAST = datetime(2026, 11, 20, tzinfo=UTC)


class FakeAirflow:
    """Answers as Airflow 3.3 does; every look at the runs takes them one state further."""

    def __init__(
        self, *, ends: str = "success", active: list[dict[str, Any]] | None = None
    ) -> None:
        self.paused = True
        self.requests: list[tuple[str, str]] = []
        self.body: dict[str, Any] = {}
        self.backfills = active or []
        self.steps = ["queued", "running", ends]
        self.looks = 0
        self.runs = 0 if active is None else 1

    def call(
        self, method: str, path: str, body: Any = None, query: dict[str, Any] | None = None
    ) -> Any:
        self.requests.append((method, path))
        if (method, path) == ("POST", "/backfills"):
            if any(row["completed_at"] is None for row in self.backfills):
                raise AirflowApiError(409, "There is already a running backfill")
            self.body, self.runs, self.looks = body, 3, 0
            span = {key: body[key] for key in ("from_date", "to_date")}
            self.backfills = [{"id": 7, "completed_at": None, **span}]
            return {"id": 7}
        if path == "/backfills":
            return {"backfills": self.backfills}
        if path.endswith("/cancel"):
            self.backfills[0]["completed_at"] = "2026-11-21T00:00:00Z"
            return {}
        if path == f"/dags/{DAG}":
            self.paused = body["is_paused"]
            return {}
        if path.endswith("/taskInstances"):
            return {
                "task_instances": [
                    {"task_id": "post", "state": None, "start_date": None},
                    {"task_id": "pull", "state": self.state, "start_date": "2026-11-21"},
                ]
            }
        assert path == f"/dags/{DAG}/dagRuns"
        self.looks += 0 if self.paused else 1
        return {"dag_runs": [self.row(number) for number in range(self.runs)]}

    @property
    def state(self) -> str:
        return self.steps[min(self.looks, len(self.steps) - 1)]

    def row(self, number: int) -> dict[str, Any]:
        start_at = FIRST + timedelta(days=number)
        return {
            "dag_run_id": f"backfill__{number}",
            "data_interval_start": start_at.isoformat(),
            "data_interval_end": (start_at + timedelta(days=1)).isoformat(),
            "state": self.state,
        }


def run(airflow: FakeAirflow, told: list[str], seconds: float = 30) -> list[backfill.DayRun]:
    return backfill.run(
        airflow,  # type: ignore[arg-type]
        DAG,
        FIRST,
        LAST,
        tell=told.append,
        check=lambda: None,
        seconds=seconds,
    )


def test_the_last_complete_days_end_with_yesterday_in_utc() -> None:
    late_in_new_york = datetime.fromisoformat("2026-11-20T22:30:00-05:00")
    assert backfill.last_complete_days(3, late_in_new_york) == (FIRST, LAST)


def test_a_backfill_runs_again_what_exists_and_is_followed_to_its_end() -> None:
    airflow, told = FakeAirflow(), []
    runs = run(airflow, told)
    assert [day.state for day in runs] == ["success"] * 3
    assert [day.start_at for day in runs] == [FIRST + timedelta(days=n) for n in range(3)]
    assert airflow.body["reprocess_behavior"] == "completed"
    assert airflow.body["from_date"] == "2026-11-18T00:00:00+00:00"
    assert told[0].startswith("backfill 7")
    assert any("running" in line for line in told)


def test_the_dag_is_unpaused_once_the_runs_exist() -> None:
    airflow = FakeAirflow()
    run(airflow, [])
    posted = airflow.requests.index(("POST", "/backfills"))
    assert airflow.requests.index(("PATCH", f"/dags/{DAG}")) > posted
    assert airflow.paused is False


def test_progress_is_told_when_it_changes_and_not_otherwise() -> None:
    told: list[str] = []
    run(FakeAirflow(), told)
    assert len(told) == len(set(told))


def test_a_failed_run_is_a_final_state_that_names_its_tasks() -> None:
    (first, *_) = run(FakeAirflow(ends="failed"), [])
    assert first.state == "failed"
    assert first.failed_tasks == ["pull"]


def test_afterwards_a_person_may_start_the_next_one_at_once() -> None:
    airflow = FakeAirflow()
    run(airflow, [])
    assert all(row["completed_at"] for row in airflow.backfills)


def test_an_earlier_backfill_whose_runs_have_ended_is_closed_at_once() -> None:
    earlier = {"id": 3, "completed_at": None, "from_date": "2026-11-18", "to_date": "2026-11-18"}
    airflow = FakeAirflow(active=[earlier])
    airflow.looks, airflow.paused = 2, False
    run(airflow, [])
    assert ("PUT", "/backfills/3/cancel") in airflow.requests


def test_an_earlier_backfill_that_still_runs_is_waited_for_and_let_go_on() -> None:
    earlier = {"id": 3, "completed_at": None, "from_date": "2026-11-18", "to_date": "2026-11-18"}
    airflow, told = FakeAirflow(active=[earlier]), []
    run(airflow, told)
    assert told[0] == f"another backfill of {DAG} is active; waiting for it"


def test_a_backfill_that_does_not_end_is_given_up() -> None:
    with pytest.raises(backfill.BackfillFailed, match="did not finish"):
        run(FakeAirflow(ends="running"), [], seconds=0)


def test_a_stack_that_breaks_ends_the_wait() -> None:
    def broken() -> None:
        raise RuntimeError("the scheduler ended")

    with pytest.raises(RuntimeError, match="the scheduler ended"):
        backfill.run(
            FakeAirflow(),  # type: ignore[arg-type]
            DAG,
            FIRST,
            LAST,
            tell=lambda _line: None,
            check=broken,
            seconds=30,
        )


def test_another_refusal_than_an_active_backfill_is_passed_on() -> None:
    class Refusing(FakeAirflow):
        def call(self, *_: Any, **__: Any) -> Any:
            raise AirflowApiError(403, "Forbidden")

    with pytest.raises(AirflowApiError, match="403"):
        run(Refusing(), [])


class PausedDags:
    """Lists DAGs that are paused and notes those that no longer are."""

    def __init__(self, *dag_ids: str) -> None:
        self.dag_ids = dag_ids
        self.unpaused: list[str] = []

    def call(self, method: str, path: str, *_rest: Any, **_named: Any) -> Any:
        if method == "PATCH":
            self.unpaused.append(path.removeprefix("/dags/"))
            return {}
        return {"dags": [{"dag_id": name} for name in self.dag_ids]}


def test_only_the_dags_of_channels_that_are_up_start_by_themselves() -> None:
    airflow = PausedDags("housekeeping", "orders__shopify_gp", "orders__shopify_other")
    backfill.unpause_all(airflow, ["shopify_gp"])  # type: ignore[arg-type]
    assert airflow.unpaused == ["housekeeping", "orders__shopify_gp"]
