"""A run: which window it owns and what it therefore asks the store for."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from include.domain.window import Basis, Selection, Window
from include.settings.channel import ChannelSettings


class RunType(StrEnum):
    """Why a run happens."""

    SCHEDULED = "scheduled"
    BACKFILL = "backfill"
    MANUAL = "manual"


@dataclass(frozen=True, slots=True)
class Run:
    """One run of a channel's orders DAG.

    Attributes:
        run_id: The orchestrator's id of the run.
        run_type: Why it happens.
        interval: The run's own interval.
        order_numbers: Just these orders, if given.
        statuses: Just orders with these financial statuses, if given.
    """

    run_id: str
    run_type: RunType
    interval: Window
    order_numbers: tuple[str, ...] = ()
    statuses: tuple[str, ...] = ()

    def selection(self, settings: ChannelSettings, now: datetime) -> Selection:
        """Return what the run owns in the store.

        A scheduled run owns what was updated in its interval, shifted back by the time the store's
        search index may lag. A backfill or a manual run owns what was created or updated in it.

        Args:
            settings: The channel's settings.
            now: The present, aware.
        """
        if self.run_type is RunType.SCHEDULED:
            window, basis = self.interval.shifted(settings.hold_back), Basis.UPDATED
        else:
            window = self.interval.until(now - settings.hold_back)
            basis = Basis.CREATED_OR_UPDATED
        return Selection(window, basis, self.order_numbers, self.statuses)
