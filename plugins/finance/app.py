"""The Proof page: which windows are proven complete, and which orders were held or skipped, why.

Reading only. Every page asks who is there (Airflow's login) and shows the channels whose orders
DAG that person may see. No script, no outside asset: the pages work in Airflow's sandboxed frame.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Annotated, Any

from fastapi import APIRouter, Depends, FastAPI, HTTPException, Request
from fastapi.responses import Response

from include.domain.proof import WindowProof
from include.reporting import proof_export

from . import channel_routes, plan_routes
from .frame import download, frame
from .pages import Filter, Pages
from .ports import Access, ChannelSource, PlanSource, ProofSource, Shown

MOST_WINDOWS = 5_000
WORDS = {
    403: "You may not see this. Ask for the right to read the runs of the channel's orders DAG.",
    404: "There is no such page. The window may have been proven again since the link was made.",
}


@dataclass(frozen=True, slots=True)
class Reader:
    """The person behind a request and what that person may read.

    Attributes:
        source: Where proofs are read.
        access: Who may read what.
        user: Airflow's user.
    """

    source: ProofSource
    access: Access
    user: Any

    def windows(self) -> list[Shown]:
        """Return every window of the channels the person may read, newest first.

        Raises:
            HTTPException: 403, there are channels and the person may read none of them.
        """
        shown = self.source.latest(MOST_WINDOWS)
        channels = {each.proof.channel for each in shown}
        mine = {channel for channel in channels if self.access.may_read(self.user, channel)}
        if channels and not mine:
            raise HTTPException(403)
        return [each for each in shown if each.proof.channel in mine]

    def proofs(self, wanted: Filter) -> list[WindowProof]:
        """Return the proofs that a filter lets through."""
        return [each.proof for each in self.windows() if wanted.takes(each.proof)]

    def window(self, proof_id: int) -> Shown:
        """Return one window with its orders.

        Raises:
            HTTPException: 404, it is not there, or not for this person to know of.
        """
        shown = self.source.one(proof_id)
        if shown is None or not self.access.may_read(self.user, shown.proof.channel):
            raise HTTPException(404)
        return shown


def _reader(request: Request) -> Reader:
    state = request.app.state
    return Reader(state.source, state.access, request.state.reader)


def _filter(channel: str = "", first: str = "", last: str = "", page: str = "1") -> Filter:
    return Filter.read(channel, first, last, page)


CurrentReader = Annotated[Reader, Depends(_reader)]
Wanted = Annotated[Filter, Depends(_filter)]
router = APIRouter()
pages = Pages()


@router.get("/")
def list_windows(request: Request, reader: CurrentReader, wanted: Wanted) -> Response:
    """Show the windows, newest first."""
    return pages.windows(request, reader.windows(), wanted)


@router.get("/windows.csv")
def download_windows_csv(reader: CurrentReader, wanted: Wanted) -> Response:
    """Download the windows, one row for each window and currency."""
    return download(proof_export.as_csv(reader.proofs(wanted)), "text/csv", "proof.csv")


@router.get("/windows.json")
def download_windows_json(reader: CurrentReader, wanted: Wanted) -> Response:
    """Download the windows as JSON, without their orders."""
    return download(proof_export.as_json(reader.proofs(wanted)), "application/json", "proof.json")


@router.get("/windows/{proof_id:int}.csv")
def download_orders_csv(proof_id: int, reader: CurrentReader) -> Response:
    """Download the orders of a window that were not simply posted."""
    proof = reader.window(proof_id).proof
    return download(proof_export.orders_as_csv([proof]), "text/csv", f"{_name(proof)}.csv")


@router.get("/windows/{proof_id:int}.documents.csv")
def download_documents_csv(proof_id: int, reader: CurrentReader) -> Response:
    """Download the documents of a window by kind."""
    proof = reader.window(proof_id).proof
    name = f"{_name(proof)}-documents.csv"
    return download(proof_export.documents_as_csv([proof]), "text/csv", name)


@router.get("/windows/{proof_id:int}.json")
def download_window_json(proof_id: int, reader: CurrentReader) -> Response:
    """Download one window with its orders."""
    proof = reader.window(proof_id).proof
    return download(proof_export.as_json([proof]), "application/json", f"{_name(proof)}.json")


@router.get("/windows/{proof_id:int}")
def show_window(request: Request, proof_id: int, reader: CurrentReader) -> Response:
    """Show one window and the orders that were held back or skipped."""
    return pages.window(request, reader.window(proof_id))


@router.get("/run")
def show_run(request: Request, reader: CurrentReader, dag_id: str, run_id: str) -> Response:
    """Show the window that a DAG run proved, or what it planned: the run's tab in Airflow."""
    flow, _, channel = dag_id.partition("__")
    if flow in plan_routes.DRY_RUNS and channel:
        return plan_routes.show_plan_of_run(request, flow, channel, run_id)
    if flow != "orders" or not channel:
        words = "This DAG does not post orders, so its runs have no proof."
        return pages.note(request, "Nothing to prove", words)
    if not reader.access.may_read(reader.user, channel):
        raise HTTPException(404)
    shown = reader.source.of_run(channel, run_id)
    if shown is None:
        return pages.note(
            request,
            "Not proven yet",
            "This run has not proven its window. The proof is the run's last step; if the run has "
            "failed, its log says why.",
        )
    return pages.window(request, shown)


def create_app(
    source: ProofSource,
    access: Access,
    current_user: Callable[..., Any],
    *,
    plans: PlanSource,
    channels: ChannelSource,
) -> FastAPI:
    """Build the application that is mounted in Airflow's API server.

    Args:
        source: Where proofs are read.
        access: Who may read what, and where one logs in.
        current_user: FastAPI dependency that returns the user, or raises 401 for an anonymous.
        plans: Where the plans of dry runs are read.
        channels: Where channels' settings are read.

    Returns:
        The application; every route but the style sheet asks for ``current_user`` first.
    """
    every = APIRouter()
    for part in (router, plan_routes.router, channel_routes.router):
        every.include_router(part)
    app = frame("The proofs", every, pages=pages, access=access, login=current_user, words=WORDS)
    app.state.source, app.state.plans, app.state.channels = source, plans, channels
    return app


def _name(proof: WindowProof) -> str:
    return f"proof-{proof.channel}-{proof.window.start_at:%Y%m%dT%H%M%SZ}"
