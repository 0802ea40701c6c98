"""What the Proof page needs: a source of proofs, and somebody who knows who may read them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple, Protocol

from include.domain.proof import WindowProof


class SourceUnavailable(Exception):
    """The proofs cannot be read now.

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


class Access(Protocol):
    """Knows the login page and who may read what."""

    def login_url(self, next_url: str) -> str:
        """Return the address of the login page that comes back to ``next_url``."""
        ...

    def may_read(self, user: Any, channel: str) -> bool:
        """Tell whether a user may read a channel's proofs."""
        ...
