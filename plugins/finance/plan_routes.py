"""The plans of dry runs: what posting would send, hold and leave out, with downloads."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Any

from fastapi import APIRouter, Depends, HTTPException, Request
from fastapi.responses import Response

from include.reporting import plan_export
from include.staging.plans import KeptPlan

from .frame import download
from .pages import Pages
from .ports import Access, PlanSource

MOST_PLANS = 200
DRY_RUNS = {"orders_dry_run": "orders", "quarantine_replay_dry_run": "quarantine_replay"}

router = APIRouter(prefix="/plans")
pages = Pages()


@dataclass(frozen=True, slots=True)
class Planner:
    """The person behind a request and which plans that person may read.

    Attributes:
        source: Where plans are.
        access: Who may read what.
        user: Airflow's user.
    """

    source: PlanSource
    access: Access
    user: Any

    def every(self) -> list[KeptPlan]:
        """Return the plans that the person may read, newest first, without rows."""
        found = self.source.latest(MOST_PLANS)
        return [plan for plan in found if self.access.may_read(self.user, plan.channel)]

    def one(self, plan_id: int) -> KeptPlan:
        """Return a plan with its rows.

        Raises:
            HTTPException: 404, it is not there, or not for this person to know of.
        """
        plan = self.source.one(plan_id)
        if plan is None or not self.access.may_read(self.user, plan.channel):
            raise HTTPException(404)
        return plan


def _planner(request: Request) -> Planner:
    state = request.app.state
    return Planner(state.plans, state.access, request.state.reader)


Someone = Annotated[Planner, Depends(_planner)]


@router.get("/")
def list_plans(request: Request, person: Someone) -> Response:
    """Show the plans, newest first."""
    return pages.plans(request, person.every())


@router.get("/{plan_id:int}.csv")
def download_csv(plan_id: int, person: Someone) -> Response:
    """Download a plan as CSV."""
    plan = person.one(plan_id)
    return download(plan_export.as_csv(plan), "text/csv", f"{_name(plan)}.csv")


@router.get("/{plan_id:int}.json")
def download_json(plan_id: int, person: Someone) -> Response:
    """Download a plan as JSON."""
    plan = person.one(plan_id)
    return download(plan_export.as_json(plan), "application/json", f"{_name(plan)}.json")


@router.get("/{plan_id:int}")
def show_plan(request: Request, plan_id: int, person: Someone) -> Response:
    """Show one plan."""
    return pages.plan(request, person.one(plan_id))


def show_plan_of_run(request: Request, flow: str, channel: str, run_id: str) -> Response:
    """Show what a dry run planned: the tab of the run in Airflow.

    Args:
        request: The request.
        flow: The DAG's flow, one of ``DRY_RUNS``.
        channel: Channel id.
        run_id: The run.

    Raises:
        HTTPException: 404, the person may not read the channel.
    """
    person = _planner(request)
    if not person.access.may_read(person.user, channel):
        raise HTTPException(404)
    plan = person.source.of_run(channel, DRY_RUNS[flow], run_id)
    if plan is None:
        words = "The plan is the run's last step; if the run has failed, its log says why."
        return pages.note(request, "Not planned yet", words)
    return pages.plan(request, plan)


def _name(plan: KeptPlan) -> str:
    return f"plan-{plan.channel}-{plan.flow}-{plan.planned_at:%Y%m%dT%H%M%SZ}"
