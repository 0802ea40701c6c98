"""The main job of `make run`: every channel's last days through Airflow, and what they came to."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import UTC, datetime
from threading import Event
from typing import TYPE_CHECKING

from local import backfill, lives, postgres, summary
from local.stack import StackError

if TYPE_CHECKING:
    from include.domain.proof import WindowProof
    from local.stack import Endpoints, Stack

PARSE_SECONDS = 120.0
JOB_SECONDS = 3600.0
PROOFS = 1000


@dataclass(frozen=True, slots=True)
class _Job:
    """What the main job of one channel came to: its runs, why tasks failed, its shop's days."""

    runs: list[backfill.DayRun]
    faults: list[str]
    lived: lives.Lived = field(default_factory=lives.Lived)


def do(
    stack: Stack, endpoints: Endpoints, days: int, check: Callable[[], None] | None = None
) -> int:
    """Backfill the last complete days of every channel that is up, and say what came of it.

    The channels run side by side; one that fails holds up none of the others.

    Args:
        stack: the stack of a state folder.
        endpoints: where it listens, and its channels.
        days: complete UTC days to backfill.
        check: raises when the stack is no longer sound.

    Returns:
        0 when every window was proven complete, else 1.

    Raises:
        StackError: the stack ended meanwhile.
    """
    from_at, to_at = backfill.last_complete_days(days, datetime.now(UTC))

    stopping = Event()

    def sound() -> None:
        if stopping.is_set():
            raise StackError("told to stop")
        (check or stack.check)()

    def work(channel: str) -> _Job:
        api = stack.api(endpoints, "admin")
        try:
            api.log_in()
            api.wait_for_dag(_orders_of(channel), PARSE_SECONDS)
            # What was proven once has seen the shop's later days: no time goes back.
            is_new = not _read_proofs(stack, channel)
            shop = lives.shop_of(stack.sandbox_connections(), channel) if is_new else None
            with lives.along_with_windows(shop, from_at) as lived:
                runs = backfill.run(
                    api,
                    _orders_of(channel),
                    from_at,
                    to_at,
                    tell=lambda line: stack.tell(f"{channel}: {line.strip()}"),
                    check=sound,
                    seconds=JOB_SECONDS,
                    at_once=1 if lived.is_slow else backfill.MAX_ACTIVE_RUNS,
                )
        except (backfill.BackfillFailed, TimeoutError) as error:
            return _Job([], [str(error)])
        return _Job(runs, backfill.reasons(api, _orders_of(channel), runs), lived)

    with ThreadPoolExecutor(len(endpoints.channels)) as threads:
        try:
            jobs = list(threads.map(work, endpoints.channels))
        except BaseException:
            stopping.set()
            raise
    good = True
    for channel, job in zip(endpoints.channels, jobs, strict=True):
        proofs = summary.proofs_of(job.runs, _read_proofs(stack, channel))
        good = good and summary.is_good(job.runs, proofs)
        told = [channel, summary.describe_windows(job.runs, proofs), *lives.describe(job.lived)]
        print("\n" + "\n".join(told) + "\n")
        for line in job.faults:
            print(f"FAILED {line}")
    print(summary.describe_access(endpoints.airflow_url, stack.credentials.passwords), flush=True)
    return 0 if good else 1


def _orders_of(channel: str) -> str:
    return f"orders__{channel}"


def _read_proofs(stack: Stack, channel: str) -> list[WindowProof]:
    # Imported here: SQLAlchemy is not needed to stop a stack or to ask for its state.
    from sqlalchemy import create_engine

    from include.staging.proof import latest_proofs

    server = postgres.find(stack.postgres_dir)
    if server is None:
        raise StackError("PostgreSQL is not running")
    engine = create_engine(server.url("counterfoil"))
    try:
        with engine.connect() as connection:
            return [stored.proof for stored in latest_proofs(connection, channel, limit=PROOFS)]
    finally:
        engine.dispose()
