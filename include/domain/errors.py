"""Errors, chosen by how one recovers from them.

CounterfoilError
  ConfigurationError                      stop and tell a person
  RemoteUnavailable -> RateLimited        retry, obey the server
                    -> AmbiguousOutcome   the effect may have happened: look it up before a retry
  OrderError                              hold this order, let all others through
    Refused, MappingMissing, ExpectationFailed, Unbalanced, ContractDrift, Duplicate
  WindowError                             the window as a whole cannot be trusted: stop it
"""

from __future__ import annotations


class CounterfoilError(Exception):
    """Base of every error that Counterfoil raises on purpose."""


class ConfigurationError(CounterfoilError):
    """Something a person has to set right: a connection, a scope, a channel file."""


class RemoteUnavailable(CounterfoilError):
    """A remote system did not answer as agreed; trying again later may help.

    Args:
        message: What happened, without any payload.
        system: The connection or host that was asked.
        status: HTTP status or vendor code, if there was one.
        request_id: The vendor's own request id, for its support desk.
    """

    def __init__(
        self,
        message: str,
        *,
        system: str = "",
        status: int | str | None = None,
        request_id: str | None = None,
    ) -> None:
        super().__init__(message)
        self.system = system
        self.status = status
        self.request_id = request_id


class RateLimited(RemoteUnavailable):
    """The remote system asks us to slow down.

    Args:
        message: What was limited.
        retry_after: Seconds the server asked for, if it said so.
        system: The connection or host that was asked.
        status: HTTP status or vendor code, if there was one.
    """

    def __init__(
        self,
        message: str,
        *,
        retry_after: float | None = None,
        system: str = "",
        status: int | str | None = None,
    ) -> None:
        super().__init__(message, system=system, status=status)
        self.retry_after = retry_after


class AmbiguousOutcome(RemoteUnavailable):
    """The call broke off after it was sent: look the effect up before deciding."""


class WindowError(CounterfoilError):
    """A window cannot be trusted as a whole (a lost page): stop, post nothing of it."""


class OrderError(CounterfoilError):
    """One order cannot go through; the others can. Becomes a quarantine row, never a failed task.

    Args:
        message: What is wrong and what to do, in words for the order data owner.
        rule: The short name of the rule that refused (``totals_tie``, ``map_payment``).
        field: The field that is wrong, in the terms of the system that owns it.
    """

    reason_class = "value"

    def __init__(self, message: str, *, rule: str = "", field: str = "") -> None:
        super().__init__(message)
        self.rule = rule or type(self).__name__
        self.field = field


class ExpectationFailed(OrderError):
    """An expectation of the channel's suite does not hold for the order."""


class ContractDrift(OrderError):
    """The store's document is not what its contract promises (a field missing, another type)."""

    reason_class = "contract_drift"


class Unbalanced(OrderError):
    """The parts do not tie to the stated total; both sides are in the message."""

    reason_class = "unbalanced"


class Duplicate(OrderError):
    """The order, or its number, is already there under another identity."""

    reason_class = "duplicate"


class Refused(OrderError):
    """The ERP refused the document, or would: the remote's words are in the message.

    Args:
        message: What was refused and why.
        rule: Short name of the rule, or the vendor's error code.
        field: The field the ERP names.
        remote: The remote's own words, untouched.
    """

    reason_class = "refused_by_erp"

    def __init__(self, message: str, *, rule: str = "", field: str = "", remote: str = "") -> None:
        super().__init__(message, rule=rule, field=field)
        self.remote = remote


class MappingMissing(OrderError):
    """No mapping row leads from a store value to an ERP value.

    Args:
        kind: Which map (``payment``, ``shipping``, ``tax``, ``sku``, ``location`` ...).
        key: The store's value, exactly as the row must name it.
        channel: The channel whose map lacks the row.
    """

    reason_class = "missing_mapping"

    def __init__(self, kind: str, key: str, *, channel: str) -> None:
        super().__init__(
            f"the {kind} map of channel {channel} has no row for {key!r}: add it (map {kind!r}, "
            f"key {key!r}) and the order goes through by itself",
            rule=f"map_{kind}",
            field=kind,
        )
        self.kind = kind
        self.key = key
        self.channel = channel
