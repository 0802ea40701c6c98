"""The Customers page: what a customer bought, what was booked of it, what is open and held.

Customers are found by the store's id or by the number of an order. Reading only; no name, address
or mail is shown, so that a page about somebody who was forgotten looks like any other.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Annotated, Any
from urllib.parse import urlencode

from fastapi import APIRouter, Depends, FastAPI, HTTPException, Request
from fastapi.responses import RedirectResponse, Response

from include.staging.customers import Found, History

from .frame import frame
from .pages import Pages
from .ports import Access, CustomerSource

WORDS = {
    403: "You may not see this. Ask for the right to read the runs of the channel's orders DAG.",
    404: "No order that you may see is this customer's.",
}
LONGEST = 200

router = APIRouter()


class CustomerPages(Pages):
    """Renders the templates of the Customers page."""

    def search(
        self,
        request: Request,
        *,
        channels: Sequence[str],
        channel: str,
        words: str,
        found: Sequence[Found],
    ) -> Response:
        """Show the form and what was found, if not just one.

        Args:
            request: The request.
            channels: Channels that the reader may see.
            channel: The one looked into, or nothing for all.
            words: What was looked for.
            found: Customers, and orders without one.
        """
        return self._render(
            request,
            "customers.html",
            title="Customers",
            channels=channels,
            channel=channel,
            words=words,
            found=[(each, _address(each)) for each in found],
        )

    def customer(
        self, request: Request, *, channel: str, customer_id: str, history: History
    ) -> Response:
        """Show one purchase history.

        Args:
            request: The request.
            channel: Channel id.
            customer_id: The store's id.
            history: What the customer bought.
        """
        held = {row.order_id_store for row in history.held}
        return self._render(
            request,
            "customer.html",
            title=f"Customer {customer_id.rpartition('/')[2]}",
            channel=channel,
            customer_id=customer_id,
            history=history,
            held=held,
        )

    def note(self, request: Request, title: str, words: str, status: int = 200) -> Response:
        """Show a page that holds one message."""
        return self._render(request, "customer_note.html", status, title=title, words=words)


pages = CustomerPages()


@dataclass(frozen=True, slots=True)
class Reader:
    """The person behind a request and what that person may read.

    Attributes:
        source: Where purchase histories are.
        access: Who may read what.
        user: Airflow's user.
    """

    source: CustomerSource
    access: Access
    user: Any

    def channels(self) -> list[str]:
        """Return the channels the person may read.

        Raises:
            HTTPException: 403, there are channels and the person may read none of them.
        """
        known = self.source.channels()
        mine = [channel for channel in known if self.access.may_read(self.user, channel)]
        if known and not mine:
            raise HTTPException(403)
        return mine


def _reader(request: Request) -> Reader:
    state = request.app.state
    return Reader(state.source, state.access, request.state.reader)


Someone = Annotated[Reader, Depends(_reader)]


@router.get("/")
def search(request: Request, reader: Someone, channel: str = "", words: str = "") -> Response:
    """Find customers; a single one is shown at once."""
    mine = reader.channels()
    looked_into = [name for name in mine if channel in ("", name)]
    wanted = words.strip()[:LONGEST]
    found = reader.source.find(looked_into, wanted) if wanted and looked_into else ()
    if len(found) == 1 and found[0].customer_id_store:
        base = request.scope.get("root_path", "")
        return RedirectResponse(f"{base}/{_address(found[0])}", status_code=303)
    return pages.search(request, channels=mine, channel=channel, words=wanted, found=found)


@router.get("/of")
def show(request: Request, reader: Someone, channel: str, customer_id: str) -> Response:
    """Show one customer's purchase history."""
    if channel not in reader.channels():
        raise HTTPException(404)
    history = reader.source.history(channel, customer_id)
    if history is None:
        raise HTTPException(404)
    return pages.customer(request, channel=channel, customer_id=customer_id, history=history)


def _address(found: Found) -> str:
    return "of?" + urlencode(
        {"channel": found.channel, "customer_id": found.customer_id_store or ""}
    )


def create_customer_app(
    source: CustomerSource, access: Access, current_user: Callable[..., Any]
) -> FastAPI:
    """Build the application that is mounted in Airflow's API server.

    Args:
        source: Where purchase histories are read.
        access: Who may read what, and where one logs in.
        current_user: FastAPI dependency that returns the user, or raises 401 for an anonymous.

    Returns:
        The application; every route but the style sheets asks for ``current_user`` first.
    """
    app = frame("Customers", router, pages=pages, access=access, login=current_user, words=WORDS)
    app.state.source = source
    return app
