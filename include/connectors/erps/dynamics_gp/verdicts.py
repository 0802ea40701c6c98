"""What it means that GP refused: later, a map row that is missing, or no, in GP's own words."""

from __future__ import annotations

from include.connectors.erps.dynamics_gp.calls import Call, ProcedureFailed
from include.connectors.erps.dynamics_gp.econnect.parameters import TaSopLineIvcInsert
from include.connectors.erps.dynamics_gp.gateway import Session
from include.connectors.erps.dynamics_gp.settings import DynamicsGpSettings
from include.domain.errors import MappingMissing, OrderError, Refused, RemoteUnavailable
from include.ports.erp import Mappings


class Verdicts:
    """Tells 'later' from 'no'.

    Args:
        system: Name of the company database for messages.
        settings: Which codes are worth another try.
        mappings: Store value to ERP value.
    """

    def __init__(self, system: str, settings: DynamicsGpSettings, mappings: Mappings) -> None:
        self._system = system
        self._retryable = frozenset(settings.retryable_codes)
        self._mappings = mappings

    def of(
        self,
        session: Session,
        batch: str,
        failed: ProcedureFailed,
        call: Call | None = None,
    ) -> OrderError | RemoteUnavailable:
        """Return what recovers from a refusal; error states are resolved by taErrorCode.

        Args:
            session: Asks GP for its words and for the batch.
            batch: Batch of the document.
            failed: What the procedure answered.
            call: The call that was refused, if it was one of a document's.
        """
        retryable = self._retryable.intersection(failed.numbers)
        if retryable:
            return RemoteUnavailable(
                f"{failed.procedure}: the document is in use in GP",
                system=self._system,
                status=failed.code,
            )
        if session.batch_is_busy(batch):
            return self.batch_busy(batch)
        unmapped = self._unmapped_item(session, call)
        if unmapped is not None:
            return unmapped
        words = session.error_words(failed.numbers)
        told = "; ".join(
            f"{code} {words.get(code, '(taErrorCode has no words for it)')}"
            for code in failed.numbers
        )
        return Refused(
            f"{failed.procedure}{_where(call)}: {told}",
            rule=f"econnect_{failed.code}",
            field=failed.procedure,
            remote=told,
        )

    def batch_busy(self, batch: str) -> RemoteUnavailable:
        """Return that a batch is waited for.

        Args:
            batch: Its id.
        """
        return RemoteUnavailable(
            f"batch {batch} is being posted or is open in GP: it is waited for, never written to",
            system=self._system,
            status="batch in use",
        )

    def _unmapped_item(self, session: Session, call: Call | None) -> MappingMissing | None:
        """Tell a sku that GP has no item for: it lacks a map row, whatever GP's number is."""
        if call is None or call.procedure != TaSopLineIvcInsert.PROCEDURE:
            return None
        item = str(call.parameters["ITEMNMBR"])
        if call.parameters.get("NONINVEN") or not session.missing("IV00101", "ITEMNMBR", item):
            return None
        try:
            self._mappings.require("sku", item)
        except MappingMissing as missing:
            return missing
        return None


def _where(call: Call | None) -> str:
    """Name the item and line of a refused call, so that a person need not count lines."""
    if call is None or "ITEMNMBR" not in call.parameters:
        return ""
    return f" (item {call.parameters['ITEMNMBR']}, line {call.parameters.get('LNITMSEQ', '?')})"
