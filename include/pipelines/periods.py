"""What is known of the ERP's open periods while orders are planned."""

from __future__ import annotations

from datetime import date

from include.domain.errors import OrderError
from include.ports.erp import Erp


class Periods:
    """Tells the first open day of the ERP from a day on, and asks once for each day.

    Args:
        erp: The ERP.
    """

    def __init__(self, erp: Erp) -> None:
        self._erp = erp
        self._known: dict[date, date | OrderError] = {}

    def first_open_on(self, day: date) -> date:
        """Return the day itself, or the first day of the next open period.

        Args:
            day: A document's date.

        Raises:
            Refused: No later period is open.
            RemoteUnavailable: The ERP cannot be reached.
        """
        if day not in self._known:
            try:
                self._known[day] = self._erp.first_open_on(day)
            except OrderError as error:
                self._known[day] = error
        known = self._known[day]
        if isinstance(known, OrderError):
            raise known
        return known
