"""What the pages need: proofs and held orders, and somebody who knows who may do what."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any, NamedTuple, Protocol

from include.domain.proof import WindowProof
from include.reporting.channel_settings import Group
from include.staging import customers
from include.staging.amendments import Amendment
from include.staging.desk import AuditEntry, HeldOrder, Note, Summary, Wanted
from include.staging.plans import KeptPlan


class SourceUnavailable(Exception):
    """The staging database cannot be read or written now.

    Args:
        message: What a reader can do about it; shown on the page, so without any secret.
    """


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
        """Return the newest proof of each window without its orders, newest window first."""
        ...

    def one(self, proof_id: int) -> Shown | None:
        """Return one proof with its orders."""
        ...

    def of_run(self, channel: str, run_id: str) -> Shown | None:
        """Return the proof that a run wrote, with its orders."""
        ...


class PlanSource(Protocol):
    """Reads the plans of dry runs; every method may raise ``SourceUnavailable``."""

    def latest(self, limit: int) -> Sequence[KeptPlan]:
        """Return plans without their rows, newest first."""
        ...

    def one(self, plan_id: int) -> KeptPlan | None:
        """Return one plan with its rows."""
        ...

    def of_run(self, channel: str, flow: str, run_id: str) -> KeptPlan | None:
        """Return the plan that a run made, with its rows."""
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
        """Return one channel's settings, or what is wrong with its file."""
        ...


class CustomerSource(Protocol):
    """Reads purchase histories; every method may raise ``SourceUnavailable``."""

    def channels(self) -> Sequence[str]:
        """Return every channel that has a staged order."""
        ...

    def find(self, channels: Sequence[str], words: str) -> Sequence[customers.Found]:
        """Return the customers that an id or an order number names."""
        ...

    def history(self, channel: str, customer_id: str) -> customers.History | None:
        """Return what a customer bought."""
        ...


class Access(Protocol):
    """Knows the login page and who may read what."""

    def login_url(self, next_url: str) -> str:
        """Return the address of the login page that comes back to ``next_url``."""
        ...

    def may_read(self, user: Any, channel: str) -> bool:
        """Tell whether a user may read a channel's proofs."""
        ...


class EditAccess(Access, Protocol):
    """Knows as well who may change what, and what people are called."""

    def may_edit(self, user: Any, channel: str) -> bool:
        """Tell whether a user may act on a channel's held orders."""
        ...

    def name_of(self, user: Any) -> str:
        """Return what the audit log calls the user."""
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
        """Return the reason classes and owners that open rows of the channels name."""
        ...

    def find(self, wanted: Wanted, now: datetime, limit: int, offset: int) -> Sequence[HeldOrder]:
        """Return rows, those that hold an order first."""
        ...

    def summary(self, wanted: Wanted, now: datetime) -> Summary:
        """Count rows by reason and by age."""
        ...

    def one(self, quarantine_id: int) -> HeldOrder | None:
        """Return one row."""
        ...

    def history(self, row: HeldOrder) -> History:
        """Return everything known of a row's order."""
        ...

    def document(self, row: HeldOrder, actor: str) -> str | None:
        """Return the raw document that landing keeps of a row's order; reading it is noted."""
        ...

    def map_examples(self, channel: str, kind: str) -> Sequence[tuple[str, str]]:
        """Return a few rows of a map, to show what its values look like."""
        ...

    def assign(self, rows: Sequence[HeldOrder], owner: str, actor: str) -> int:
        """Give rows another owner; return how many changed."""
        ...

    def note(self, row: HeldOrder, body: str, actor: str) -> None:
        """Note something on a row's order."""
        ...

    def add_map_row(self, row: HeldOrder, value: str, actor: str) -> bool:
        """Add the mapping row that a row waits for; return whether it waits for one."""
        ...

    def amend(self, row: HeldOrder, field: str, value: str, *, reason: str, actor: str) -> None:
        """Fill in a field of a row's order that the store left empty.

        Raises:
            NotAmendable: The field is not empty, or the value has not its form.
        """
        ...

    def release(self, row: HeldOrder, reason: str, actor: str) -> bool:
        """Let the order pass the rule; return whether that is allowed."""
        ...

    def write_off(self, row: HeldOrder, reason: str, actor: str) -> bool:
        """Leave the order out; return whether it was open."""
        ...

    def reopen(self, row: HeldOrder, reason: str, actor: str) -> bool:
        """Take a write-off back; return whether there was one."""
        ...

    def mark_replay(self, rows: Sequence[HeldOrder], actor: str) -> int:
        """Ask for a replay; return how many rows were marked."""
        ...


class Replayer(Protocol):
    """Starts the DAG that replays held orders."""

    def start(self, channel: str, user_name: str) -> bool:
        """Start a replay of what is marked; return whether it will run without more ado."""
        ...
