"""One simulated stretch of days: lives, runs with faults and retries, the books after each day.

Everything is drawn from one seed, in one thread: the same seed runs the same way. The pipeline
code, PostgreSQL, the store's server and the company's procedures are the real ones.
"""

from __future__ import annotations

import logging
import random
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from decimal import Decimal

from include.domain.document import DocumentKind, RemoteState
from include.domain.errors import CounterfoilError
from include.domain.window import Window
from include.pipelines import documents, orders, proof
from include.pipelines.runs import Run, RunType
from include.sandbox.rig import Booked
from include.staging.engine import translated
from local.postgres import EmbeddedPostgres
from tests.integration.world import FixedClock
from tests.simulation import lives
from tests.simulation.faults import KILL, STORE_KINDS, STORM, Faults, FaultyErp, SimulatedKill
from tests.simulation.world import World, open_world

START = datetime(2026, 11, 10, tzinfo=UTC)
MOST_TRIES = 12
STEPS = ("pull", "validate", "load", "post", "prove")


class Broken(AssertionError):
    """The books are not what the store says; the message holds the seed and the story."""


@dataclass
class Report:
    """What a simulation came to.

    Attributes:
        connector: The ERP.
        seed: Replays it.
        days: How many days it lived through.
        orders: Orders that lived.
        runs: Runs of a window that were finished.
        events: What happened to the orders.
        faults: What happened to the runs.
        held: Orders that were held at the end.
    """

    connector: str
    seed: int
    days: int
    orders: int = 0
    runs: int = 0
    events: Counter[str] = field(default_factory=Counter)
    faults: Counter[str] = field(default_factory=Counter)
    held: int = 0

    @property
    def kills(self) -> int:
        """How often a process died."""
        return self.faults[KILL]

    def __str__(self) -> str:
        replay = f"make simulate ERP={self.connector} SEED={self.seed} N=1 ORDER_DAYS={self.days}"
        return f"seed {self.seed} into {self.connector} ({replay})"


def simulate(
    server: EmbeddedPostgres,
    staging_url: str,
    seed: int,
    connector: str = "dynamics_gp",
    *,
    days: int = 4,
    sabotage: Callable[[World], None] | None = None,
) -> Report:
    """Simulate a few days of a shop and hold the books against it after each.

    Args:
        server: Where the ERP's database is made, if it has one.
        staging_url: Empty staging database.
        seed: Draws everything.
        connector: The ERP that is posted into.
        days: How many days to live through.
        sabotage: Builds a deliberate bug into the world, to see that it is noticed.

    Raises:
        Broken: Something was lost, doubled or wedged.
    """
    chance = random.Random(seed)
    with open_world(server, staging_url, connector, seed) as world:
        if sabotage is not None:
            sabotage(world)
        return _Simulation(world, chance, Report(connector, seed, days)).run(days)


@dataclass
class _Simulation:
    world: World
    chance: random.Random
    report: Report
    quiet: bool = False

    def __post_init__(self) -> None:
        self.faults = Faults(self.chance, self.report.faults)
        self.clock = FixedClock(START)
        house = self.world.house
        house.clock = self.clock
        house.erp = FaultyErp(house.erp, self.faults, self.world.rig)  # type: ignore[assignment]
        self.faults.watch(house.engine)
        self.alive: list[str] = []

    def run(self, days: int) -> Report:
        for number in range(days):
            day = Window(START + timedelta(days=number), START + timedelta(days=number + 1))
            self._live_through(day)
            self.clock.at = day.end_at + timedelta(hours=1, minutes=self.chance.randint(-10, 10))
            self.world.store.clock.set(self.clock.at)
            for window, kind in self._runs_of(day):
                self._finish(Run(f"{kind}-{number}-{self.report.runs}", kind, window))
            self._check_books()
        self._finish_quietly(Window(START, START + timedelta(days=days)))
        self._check_books()
        if self.report.held:
            raise Broken(f"{self.report}: these never came through: {self._why_held()}")
        self.report.orders = len(self.alive)
        return self.report

    def _why_held(self) -> list[str]:
        rows = self.world.ask(
            "select rule, message, coalesce(remote, '') from quarantine"
            " where state = 'open' and severity = 'critical'"
        )
        return [f"{rule}: {message} {remote}".rstrip() for rule, message, remote in rows]

    def _finish_quietly(self, window: Window) -> None:
        """Run the whole stretch once more without a fault: what waited has to come through."""
        self.quiet = True
        self._finish(Run("last", RunType.BACKFILL, window))

    def _live_through(self, day: Window) -> None:
        store = self.world.store
        moments = sorted(self.chance.randrange(86_000) for _ in range(10))
        for second in moments:
            at = day.start_at + timedelta(seconds=second)
            store.clock.set(at)
            if self.chance.random() < 0.55 or not self.alive:
                self.alive.append(lives.place(store, self.chance, at).name)
                self.report.events["placed"] += 1
            else:
                order = store.by_name(self.chance.choice(self.alive))
                if at > order.updated_at:
                    self.report.events[lives.live(store, order, self.chance, at)] += 1

    def _runs_of(self, day: Window) -> list[tuple[Window, RunType]]:
        """The live run of the day; often a backfill of an earlier day, or of the same, as well."""
        runs = [(day, RunType.BACKFILL)]
        earlier = day.start_at - timedelta(days=self.chance.randrange(3))
        if self.chance.random() < 0.6 and earlier >= START:
            runs.append((Window(earlier, earlier + timedelta(days=1)), RunType.BACKFILL))
        if self.chance.random() < 0.5:
            # The live run comes late: what it owns has settled.
            live = Window(day.start_at + timedelta(minutes=5), day.end_at + timedelta(minutes=5))
            runs.append((live, RunType.SCHEDULED))
        self.chance.shuffle(runs)
        return runs

    def _finish(self, run: Run) -> None:
        """Run the steps of a window as Airflow does: a step that dies or fails is tried again."""
        selection = run.selection(self.world.house.settings, self.clock.now())
        batch = 0

        def pull() -> None:
            nonlocal batch
            batch = orders.pull(self.world.house, run, selection)

        house = self.world.house
        steps: dict[str, Callable[[], object]] = {
            "pull": pull,
            "validate": lambda: orders.validate(house, batch),
            "load": lambda: orders.load(house, batch),
            "post": lambda: documents.post(house, orders.orders_to_post(house, batch, run), batch),
            "prove": lambda: self._prove(run, batch),
        }
        for name in STEPS:
            for attempt in range(MOST_TRIES):
                faulty = not self.quiet and attempt < MOST_TRIES - 3
                if self._survives(name, steps[name], faulty=faulty):
                    break
            else:
                raise Broken(f"{self.report}: {run.run_id} is wedged in {name}")
        self.report.runs += 1

    def _survives(self, name: str, step: Callable[[], object], *, faulty: bool) -> bool:
        self.faults.clear()
        self.world.sandbox.faults.clear()
        if faulty:
            self.faults.lay(name)
            if name in ("pull", "prove") and self.chance.random() < 0.7:
                kind = self.chance.choice(STORE_KINDS)
                times = self.chance.randrange(2, 9) if kind == STORM else 1
                self.world.fault(kind, times=times, after=self.chance.randrange(3))
        laid = [fault.kind for fault in self.world.sandbox.faults.waiting()]
        try:
            with translated():
                step()
        except SimulatedKill:
            self.world.house.engine.dispose()
            return False
        except CounterfoilError:
            return False
        finally:
            self.faults.clear()
            if not self.world.sandbox.faults.waiting():
                self.report.faults.update(laid)
        return True

    def _prove(self, run: Run, batch: int) -> None:
        selection = run.selection(self.world.house.settings, self.clock.now())
        found = proof.prove(self.world.house, run, selection, batch)
        if not found.is_complete:
            words = [
                f"{o.order_number}: {o.message}" for o in found.orders if o.outcome == "unexplained"
            ]
            raise Broken(f"{self.report}: {run.run_id}: {words} {found.money}")

    def _check_books(self) -> None:
        """Hold the ERP's own tables against the store's truth, order by order."""
        rows = self.world.ask(
            "select order_number from quarantine where state = 'open' and severity = 'critical'"
        )
        held = {str(number) for (number,) in rows}
        self.report.held = len(held)
        booked: dict[str, list[Booked]] = {}
        for one in self.world.rig.booked():
            if one.state is not RemoteState.VOID:
                booked.setdefault(one.order_number, []).append(one)
        wanted = self._documents_in_the_ledger()
        for name in self.alive:
            if name not in held:
                self._check_order(name, booked.get(name, []), wanted[name])

    def _check_order(self, name: str, booked: list[Booked], wanted: Counter[str]) -> None:
        order = self.world.store.by_name(name)
        worth = order.received.shop - order.refunded.shop
        found = Counter(one.kind.value for one in booked)
        if found != wanted:
            raise Broken(f"{self.report}: {name} has {dict(found)}, the ledger {dict(wanted)}")
        billed = [one for one in booked if one.kind is not DocumentKind.SALES_ORDER]
        net, units = Decimal(0), Counter[str]()
        for one in billed or booked:
            sign = -1 if one.kind is DocumentKind.CREDIT_NOTE else 1
            net += sign * one.total
            for sku, count in one.units.items():
                units[sku] += sign * int(count)
        if net != worth:
            raise Broken(
                f"{self.report}: {name} is worth {worth} in the store and {net} in the books"
            )
        left = Counter[str]()
        for line in order.lines:
            if line.kind == "goods" and line.sku:
                left[line.sku] += line.current
        if order.cancelled_at is None and +units != +left:
            raise Broken(f"{self.report}: {name} holds {+left} in the store, {+units} in the books")

    def _documents_in_the_ledger(self) -> dict[str, Counter[str]]:
        """Count what the ledger says is in the ERP and was not struck out."""
        counted: dict[str, Counter[str]] = {name: Counter() for name in self.alive}
        for number, kind, sequence in self.world.ask(
            "select order_number, kind, sequence from erp_document where state = 'posted'"
        ):
            if kind in ("sales_order", "invoice", "credit_note"):
                counted[str(number)][str(kind)] += 1
            elif kind == "void":
                target = "sales_order" if sequence == 1 else "invoice"
                counted[str(number)][target] -= 1
        return {name: +documents for name, documents in counted.items()}


def quiet() -> None:
    """Keep the pipelines' own lines out of the simulation's output."""
    logging.disable(logging.CRITICAL)
