"""What the pages need: proofs and held orders, and somebody who knows who may do what."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from decimal import Decimal
from typing import Any, NamedTuple, Protocol

from include.domain.proof import WindowProof
from include.reporting.channel_settings import Group
from include.staging import customers
from include.staging.amendments import Amendment
from include.staging.held_orders import AuditEntry, HeldOrder, Note, Summary, Wanted
from include.staging.plans import KeptPlan


class SourceUnavailable(Exception):
    """The staging database cannot be read or written now.

    Args:
        message: What a reader can do about it; shown on the page, so without any secret.
    """


class NothingYet(SourceUnavailable):
    """The staging database is there and empty: no DAG has run yet."""


class Shown(NamedTuple):
    """A proof and the number it is addressed by.

    Attributes:
        proof_id: Number in the page's address.
        proof: The proof; its orders may be left out in a list.
    """

    proof_id: int
    proof: WindowProof


class ProofSource(Protocol):
    """Reads proofs; every method may raise ``SourceUnavailable``."""

    def latest(self, limit: int) -> Sequence[Shown]:
        """Return the newest proof of each window without its orders, newest window first.

        Args:
            limit: Most windows, over all channels.

        Raises:
            SourceUnavailable: The staging database cannot be read or written now.
        """
        ...

    def one(self, proof_id: int) -> Shown | None:
        """Return one proof with its orders.

        Args:
            proof_id: Number in the page's address.

        Returns:
            ``None`` if there is none of that number.

        Raises:
            SourceUnavailable: The staging database cannot be read or written now.
        """
        ...

    def of_run(self, channel: str, run_id: str) -> Shown | None:
        """Return the proof that a run wrote, with its orders.

        Args:
            channel: Channel id.
            run_id: Airflow's run id.

        Returns:
            ``None`` if the run proved nothing.

        Raises:
            SourceUnavailable: The staging database cannot be read or written now.
        """
        ...


class PlanSource(Protocol):
    """Reads the plans of dry runs; every method may raise ``SourceUnavailable``."""

    def latest(self, limit: int) -> Sequence[KeptPlan]:
        """Return plans without their rows, newest first.

        Args:
            limit: Most plans, over all channels.

        Raises:
            SourceUnavailable: The staging database cannot be read or written now.
        """
        ...

    def one(self, plan_id: int) -> KeptPlan | None:
        """Return one plan with its rows.

        Args:
            plan_id: Number in the page's address.

        Returns:
            ``None`` if there is none of that number.

        Raises:
            SourceUnavailable: The staging database cannot be read or written now.
        """
        ...

    def of_run(self, channel: str, flow: str, run_id: str) -> KeptPlan | None:
        """Return the plan that a run made, with its rows.

        Args:
            channel: Channel id.
            flow: ``orders`` or ``quarantine_replay``.
            run_id: Airflow's run id.

        Returns:
            ``None`` if the run planned nothing.

        Raises:
            SourceUnavailable: The staging database cannot be read or written now.
        """
        ...


class ShownChannel(NamedTuple):
    """A channel's settings, or what is wrong with its file.

    Attributes:
        name: Channel id.
        title: What people call it.
        groups: Its settings; none when the file is refused.
        fault: Why the file is refused.
    """

    name: str
    title: str
    groups: Sequence[Group]
    fault: str = ""


class ChannelSource(Protocol):
    """Reads channel files."""

    def names(self) -> Sequence[str]:
        """Return the names of the channels, sorted."""
        ...

    def channel(self, name: str) -> ShownChannel:
        """Return one channel's settings, or what is wrong with its file.

        Args:
            name: One of ``names``.
        """
        ...


class CustomerSource(Protocol):
    """Reads purchase histories; every method may raise ``SourceUnavailable``."""

    def channels(self) -> Sequence[str]:
        """Return every channel that has a staged order."""
        ...

    def find(self, channels: Sequence[str], words: str) -> Sequence[customers.Found]:
        """Return the customers that an id or an order number names.

        Args:
            channels: Where to look.
            words: A customer's store id, or an order number; never a name.

        Returns:
            One entry a customer and channel.

        Raises:
            SourceUnavailable: The staging database cannot be read or written now.
        """
        ...

    def history(self, channel: str, customer_id: str) -> customers.History | None:
        """Return what a customer bought.

        Args:
            channel: Channel id.
            customer_id: The store's id.

        Returns:
            Orders, what was booked and what is open; ``None`` for an unknown customer.

        Raises:
            SourceUnavailable: The staging database cannot be read or written now.
        """
        ...


class Access(Protocol):
    """Knows the login page and who may read what."""

    def login_url(self, next_url: str) -> str:
        """Return the address of the login page that comes back to ``next_url``.

        Args:
            next_url: Where to go after the login.
        """
        ...

    def may_read(self, user: Any, channel: str) -> bool:
        """Tell whether a user may read a channel's proofs.

        Args:
            user: Airflow's user.
            channel: Channel id.
        """
        ...


class EditAccess(Access, Protocol):
    """Knows as well who may change what, and what people are called."""

    def may_edit(self, user: Any, channel: str) -> bool:
        """Tell whether a user may act on a channel's held orders.

        Args:
            user: Airflow's user.
            channel: Channel id.
        """
        ...

    def name_of(self, user: Any) -> str:
        """Return what the audit log calls the user.

        Args:
            user: Airflow's user.
        """
        ...


class History(NamedTuple):
    """Everything known of one order in quarantine.

    Attributes:
        rows: Its rows, open ones first.
        notes: What people noted, newest first.
        audit: Who did what, newest first.
        written_off: Who left it out and why, if somebody did.
        amendments: What people filled in.
        missing: Fields that may be filled in.
    """

    rows: Sequence[HeldOrder]
    notes: Sequence[Note]
    audit: Sequence[AuditEntry]
    written_off: tuple[str, str] | None
    amendments: Sequence[Amendment] = ()
    missing: Sequence[str] = ()


class QuarantineDesk(Protocol):
    """Reads held orders and acts on them; every method may raise ``SourceUnavailable``."""

    def channels(self) -> Sequence[str]:
        """Return every channel that ever held an order."""
        ...

    def choices(self, channels: Sequence[str]) -> dict[str, list[str]]:
        """Return the reason classes and owners that open rows of the channels name.

        Args:
            channels: Channels that the reader may see.

        Returns:
            Sorted values by the name of the field.

        Raises:
            SourceUnavailable: The staging database cannot be read or written now.
        """
        ...

    def find(self, wanted: Wanted, now: datetime, limit: int, offset: int) -> Sequence[HeldOrder]:
        """Return rows, those that hold an order first.

        Args:
            wanted: What is asked for.
            now: The present, aware; ages are counted from it.
            limit: Most rows.
            offset: Rows to leave out first.

        Raises:
            SourceUnavailable: The staging database cannot be read or written now.
        """
        ...

    def summary(self, wanted: Wanted, now: datetime) -> Summary:
        """Count rows by reason and by age.

        Args:
            wanted: What is asked for.
            now: The present, aware.

        Raises:
            SourceUnavailable: The staging database cannot be read or written now.
        """
        ...

    def one(self, quarantine_id: int) -> HeldOrder | None:
        """Return one row.

        Args:
            quarantine_id: Number in the page's address.

        Returns:
            ``None`` if there is none of that number.

        Raises:
            SourceUnavailable: The staging database cannot be read or written now.
        """
        ...

    def history(self, row: HeldOrder) -> History:
        """Return everything known of a row's order.

        Args:
            row: A row of the order.

        Raises:
            SourceUnavailable: The staging database cannot be read or written now.
        """
        ...

    def document(self, row: HeldOrder, actor: str) -> str | None:
        """Return the raw document that landing keeps of a row's order; reading it is noted.

        Args:
            row: A row of the order.
            actor: Who asks, as the audit log names people.

        Returns:
            JSON as the store sent it; ``None`` once retention has removed it.

        Raises:
            SourceUnavailable: The staging database cannot be read or written now.
        """
        ...

    def map_examples(self, channel: str, kind: str) -> Sequence[tuple[str, str]]:
        """Return a few rows of a map, to show what its values look like.

        Args:
            channel: Channel id.
            kind: Which map.

        Returns:
            Pairs of key and value.

        Raises:
            SourceUnavailable: The staging database cannot be read or written now.
        """
        ...

    def assign(self, rows: Sequence[HeldOrder], owner: str, actor: str) -> int:
        """Give rows another owner; return how many changed.

        Args:
            rows: Open rows.
            owner: Who has to act from now on.
            actor: Who asks, as the audit log names people.

        Raises:
            SourceUnavailable: The staging database cannot be read or written now.
        """
        ...

    def note(self, row: HeldOrder, body: str, actor: str) -> None:
        """Note something on a row's order.

        Args:
            row: A row of the order.
            body: The note.
            actor: Who asks, as the audit log names people.

        Raises:
            SourceUnavailable: The staging database cannot be read or written now.
        """
        ...

    def add_map_row(self, row: HeldOrder, value: str, actor: str) -> bool:
        """Add the mapping row that a row waits for; return whether it waits for one.

        Args:
            row: A row that names a map and a key.
            value: What the key means in the ERP.
            actor: Who asks, as the audit log names people.

        Raises:
            SourceUnavailable: The staging database cannot be read or written now.
        """
        ...

    def amend(self, row: HeldOrder, field: str, value: str, *, reason: str, actor: str) -> None:
        """Fill in a field of a row's order that the store left empty.

        Args:
            row: A row of the order.
            field: One of the fields that people may fill in.
            value: What it is.
            reason: Why, in words.
            actor: Who asks, as the audit log names people.

        Raises:
            SourceUnavailable: The staging database cannot be read or written now.
            NotAmendable: The field is not empty, or the value has not its form.
        """
        ...

    def release(self, row: HeldOrder, reason: str, actor: str, seen: Decimal | None) -> bool:
        """Let the order pass the rule; return whether that is allowed.

        Args:
            row: A row whose rule may be passed.
            reason: Why, in words.
            actor: Who asks, as the audit log names people.
            seen: The total that the page showed, if it showed one.

        Raises:
            SourceUnavailable: The staging database cannot be read or written now.
        """
        ...

    def write_off(self, row: HeldOrder, reason: str, actor: str) -> bool:
        """Leave the order out; return whether it was open.

        Args:
            row: A row of the order.
            reason: Why, in words.
            actor: Who asks, as the audit log names people.

        Raises:
            SourceUnavailable: The staging database cannot be read or written now.
        """
        ...

    def reopen(self, row: HeldOrder, reason: str, actor: str) -> bool:
        """Take a write-off back; return whether there was one.

        Args:
            row: A row that was written off.
            reason: Why, in words.
            actor: Who asks, as the audit log names people.

        Raises:
            SourceUnavailable: The staging database cannot be read or written now.
        """
        ...

    def mark_replay(self, rows: Sequence[HeldOrder], actor: str) -> int:
        """Ask for a replay; return how many rows were marked.

        Args:
            rows: Open rows.
            actor: Who asks, as the audit log names people.

        Raises:
            SourceUnavailable: The staging database cannot be read or written now.
        """
        ...


class Replayer(Protocol):
    """Starts the DAG that replays held orders."""

    def start(self, channel: str, user_name: str) -> bool:
        """Start a replay of what is marked; return whether it will run without more ado.

        Args:
            channel: Channel id.
            user_name: Who asks, as Airflow names people.
        """
        ...
