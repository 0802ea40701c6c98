"""The Quarantine page: which orders are held and why, and what people may do about them.

Whoever may read the channel's runs reads; whoever may edit its DAG acts. Acting takes a POST from
this very site: the login cookie is same-site, and the browser's Origin is checked on top.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal
from typing import Annotated, Any
from urllib.parse import parse_qsl, urlsplit

from fastapi import APIRouter, Depends, FastAPI, Form, HTTPException, Request
from fastapi.responses import RedirectResponse, Response

from include.reporting.quarantine_export import as_csv
from include.staging.amendments import NotAmendable
from include.staging.held_orders import HeldOrder

from .frame import download, frame
from .ports import EditAccess, QuarantineDesk, Replayer
from .quarantine_pages import PAGE_SIZE, HeldFilter, QuarantinePages

MOST_EXPORTED = 100_000
WORDS = {
    404: "There is no such held order, or you may not see it.",
}
MAY_NOT_READ = (
    "You may not see this. Ask for the right to read the runs of the channel's orders DAG."
)
MAY_NOT_EDIT = "You may read this and not change it. That takes the right to edit the orders DAG."
GONE = "Landing no longer keeps the document: it was erased, or is past its retention."
FOREIGN = "This request did not come from the Quarantine page itself, so nothing was changed."

router = APIRouter()
pages = QuarantinePages()


@dataclass(frozen=True, slots=True)
class Person:
    """The person behind a request: what they may see and do.

    Attributes:
        desk: Where held orders are.
        access: Who may do what.
        replayer: Starts replays.
        user: Airflow's user.
        now: The present.
    """

    desk: QuarantineDesk
    access: EditAccess
    replayer: Replayer
    user: Any
    now: datetime

    @property
    def name(self) -> str:
        """What the audit log calls the person."""
        return self.access.name_of(self.user)

    def channels(self) -> list[str]:
        """Return the channels the person may read.

        Raises:
            HTTPException: 403, there are channels and the person may read none of them.
        """
        known = self.desk.channels()
        mine = [channel for channel in known if self.access.may_read(self.user, channel)]
        if known and not mine:
            raise HTTPException(403, MAY_NOT_READ)
        return mine

    def row(self, quarantine_id: int) -> HeldOrder:
        """Return a row the person may read.

        Raises:
            HTTPException: 404, it is not there, or not for this person to know of.
        """
        row = self.desk.one(quarantine_id)
        if row is None or not self.access.may_read(self.user, row.channel):
            raise HTTPException(404)
        return row

    def own_row(self, quarantine_id: int) -> HeldOrder:
        """Return a row the person may act on.

        Raises:
            HTTPException: 404, it is not there; 403, the person may read it only.
        """
        row = self.row(quarantine_id)
        if not self.access.may_edit(self.user, row.channel):
            raise HTTPException(403, MAY_NOT_EDIT)
        return row


def _person(request: Request) -> Person:
    state = request.app.state
    return Person(state.desk, state.access, state.replayer, request.state.reader, state.now())


def _filter(request: Request) -> HeldFilter:
    return HeldFilter.read(dict(request.query_params))


def _same_site(request: Request) -> None:
    """Refuse what another site made the browser send.

    Raises:
        HTTPException: 403, the browser does not say that this site sent it.
    """
    origin = request.headers.get("origin", "")
    hosts = {request.headers.get("host"), request.headers.get("x-forwarded-host")} - {None}
    if urlsplit(origin).netloc not in hosts:
        raise HTTPException(403, FOREIGN)


Someone = Annotated[Person, Depends(_person)]
Shown = Annotated[HeldFilter, Depends(_filter)]
Rows = Annotated[list[int], Form(max_length=PAGE_SIZE)]
Row = Annotated[int, Form()]
Words = Annotated[str, Form(min_length=3, max_length=4000, pattern=r"\S")]
Short = Annotated[str, Form(min_length=1, max_length=200, pattern=r"\S")]
Filled = Annotated[str, Form(max_length=200)]
Query = Annotated[str, Form(max_length=2000)]
Total = Annotated[Decimal | None, Form()]
acting = APIRouter(dependencies=[Depends(_same_site)])


@router.get("/")
def list_held(request: Request, person: Someone, wanted: Shown, done: str = "") -> Response:
    """Show the held orders, those held for longest first."""
    mine = person.channels()
    search = wanted.wanted(mine)
    any_age = HeldFilter.read({**dict(request.query_params), "age": ""}).wanted(mine)
    rows = person.desk.find(search, person.now, PAGE_SIZE + 1, (wanted.page - 1) * PAGE_SIZE)
    return pages.held(
        request,
        rows=rows,
        wanted=wanted,
        summary=person.desk.summary(any_age, person.now),
        choices={**person.desk.choices(mine), "channels": mine},
        editable=frozenset(c for c in mine if person.access.may_edit(person.user, c)),
        now=person.now,
        done=done,
    )


@router.get("/held.csv")
def download_held(person: Someone, wanted: Shown) -> Response:
    """Download the rows of the list."""
    search = wanted.wanted(person.channels())
    rows = person.desk.find(search, person.now, MOST_EXPORTED, 0)
    return download(as_csv(rows, person.now), "text/csv", "quarantine.csv")


@router.get("/held/{quarantine_id:int}")
def show_order(request: Request, quarantine_id: int, person: Someone, done: str = "") -> Response:
    """Show one order with its history, and what can be done."""
    row = person.row(quarantine_id)
    missing = row.missing_map_row
    return pages.order(
        request,
        row=row,
        history=person.desk.history(row),
        examples=person.desk.map_examples(row.channel, missing[0]) if missing else (),
        may_edit=person.access.may_edit(person.user, row.channel),
        now=person.now,
        done=done,
    )


@router.get("/held/{quarantine_id:int}/document.json")
def download_document(quarantine_id: int, person: Someone) -> Response:
    """Download the order as the store sent it: for those who may act on it, and noted."""
    row = person.own_row(quarantine_id)
    document = person.desk.document(row, person.name)
    if document is None:
        raise HTTPException(410, GONE)
    return download(document, "application/json", f"order-{row.quarantine_id}.json")


@acting.post("/replay")
def replay(request: Request, person: Someone, row: Rows, query: Query = "") -> Response:
    """Mark orders for a replay and start the DAG that replays them."""
    rows = [person.own_row(quarantine_id) for quarantine_id in row]
    if not person.desk.mark_replay(rows, person.name):
        return _back(request, rows, query, "unchanged")
    started = [
        person.replayer.start(channel, person.name)
        for channel in sorted({each.channel for each in rows})
    ]
    return _back(request, rows, query, "replaying" if all(started) else "marked")


@acting.post("/assign")
def assign(
    request: Request, person: Someone, row: Rows, owner: Short, query: Query = ""
) -> Response:
    """Give orders another owner."""
    rows = [person.own_row(quarantine_id) for quarantine_id in row]
    changed = person.desk.assign(rows, owner.strip(), person.name)
    return _back(request, rows, query, "assigned" if changed else "unchanged")


@acting.post("/note")
def note(request: Request, person: Someone, row: Row, words: Words) -> Response:
    """Note something on an order."""
    found = person.own_row(row)
    person.desk.note(found, words.strip(), person.name)
    return _to_order(request, found, "noted")


@acting.post("/map")
def add_map_row(request: Request, person: Someone, row: Row, value: Short) -> Response:
    """Add the mapping row that an order waits for."""
    found = person.own_row(row)
    added = person.desk.add_map_row(found, value.strip(), person.name)
    return _to_order(request, found, "mapped" if added else "unchanged")


@acting.post("/amend")
def amend(
    request: Request, person: Someone, row: Row, *, field: Short, words: Words, value: Filled = ""
) -> Response:
    """Fill in a field that the store left empty, or take that back."""
    found = person.own_row(row)
    try:
        person.desk.amend(found, field, value, reason=words.strip(), actor=person.name)
    except NotAmendable as error:
        raise HTTPException(400, f"{error}.") from error
    return _to_order(request, found, "amended")


@acting.post("/release")
def release(
    request: Request, person: Someone, row: Row, words: Words, seen: Total = None
) -> Response:
    """Let an order pass a rule about clocks, or approve it up to the total that was shown."""
    found = person.own_row(row)
    done = person.desk.release(found, words.strip(), person.name, seen)
    return _to_order(request, found, "released" if done else "unchanged")


@acting.post("/write-off")
def write_off(request: Request, person: Someone, row: Row, words: Words) -> Response:
    """Leave an order out, with a reason."""
    found = person.own_row(row)
    done = person.desk.write_off(found, words.strip(), person.name)
    return _to_order(request, found, "written_off" if done else "unchanged")


@acting.post("/reopen")
def reopen(request: Request, person: Someone, row: Row, words: Words) -> Response:
    """Take a write-off back."""
    found = person.own_row(row)
    done = person.desk.reopen(found, words.strip(), person.name)
    return _to_order(request, found, "reopened" if done else "unchanged")


def _to_order(request: Request, row: HeldOrder, done: str) -> Response:
    base = request.scope.get("root_path", "")
    return RedirectResponse(f"{base}/held/{row.quarantine_id}?done={done}", status_code=303)


def _back(request: Request, rows: Sequence[HeldOrder], query: str, done: str) -> Response:
    """Return to where the form was: the list as it was filtered, or the order."""
    if query == "order":
        return _to_order(request, rows[0], done)
    shown = HeldFilter.read(dict(parse_qsl(query.removeprefix("?"))))
    base = request.scope.get("root_path", "")
    return RedirectResponse(f"{base}/{shown.query(done=done)}", status_code=303)


def create_quarantine_app(
    desk: QuarantineDesk,
    access: EditAccess,
    replayer: Replayer,
    current_user: Callable[..., Any],
    now: Callable[[], datetime] = lambda: datetime.now(UTC),
) -> FastAPI:
    """Build the application that is mounted in Airflow's API server.

    Args:
        desk: Where held orders are read and acted on.
        access: Who may read and do what, and where one logs in.
        replayer: Starts replays.
        current_user: FastAPI dependency that returns the user, or raises 401 for an anonymous.
        now: Tells the time.

    Returns:
        The application; every route but the style sheets asks for ``current_user`` first.
    """
    both = APIRouter()
    both.include_router(router)
    both.include_router(acting)
    app = frame("Quarantine", both, pages=pages, access=access, login=current_user, words=WORDS)
    app.state.desk = desk
    app.state.replayer = replayer
    app.state.now = now
    return app
