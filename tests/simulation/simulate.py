"""One simulated stretch of days: lives, runs with faults and retries, the books after each day.

Everything is drawn from one seed, in one thread: the same seed runs the same way. The pipeline
code, PostgreSQL, the store's server and the company's procedures are the real ones.
"""

from __future__ import annotations

import logging
import random
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

from include.domain.errors import CounterfoilError
from include.domain.window import Window
from include.pipelines import documents, orders, proof
from include.pipelines.runs import Run, RunType
from include.sandbox.shop import shop_assortment
from include.staging.engine import translated
from local.postgres import EmbeddedPostgres
from tests.integration.world import FixedClock
from tests.simulation import lives, policies
from tests.simulation.books import BookKeeper
from tests.simulation.faults import KILL, STORE_KINDS, STORM, Faults, FaultyErp, SimulatedKill
from tests.simulation.people import People
from tests.simulation.world import World, open_world

START = datetime(2026, 10, 30, tzinfo=UTC)
"""Two days before a month, and its accounting period, ends."""
MOST_TRIES = 12
MOST_FAULTY = 9
MOST_TURNS = 5
MOST_LAST_RUNS = 3
SIDE_BY_SIDE = 0.4
PEOPLE_COME = 0.2
DONE = "done"
STEPS = ("pull", "validate", "load", "post", "prove")


class Broken(AssertionError):
    """The books are not what the store says; the message holds the seed and the story."""


class OthersAtWork(Exception):
    """What is not proven may be what another process has begun: it is asked again later."""


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
        deeds: What people did meanwhile.
        held: Orders that were held until people let them through at the end.
    """

    connector: str
    seed: int
    days: int
    policy: Mapping[str, Any]
    orders: int = 0
    runs: int = 0
    events: Counter[str] = field(default_factory=Counter)
    faults: Counter[str] = field(default_factory=Counter)
    deeds: Counter[str] = field(default_factory=Counter)
    held: int = 0

    @property
    def kills(self) -> int:
        """How often a process died."""
        return self.faults[KILL]

    def __str__(self) -> str:
        replay = f"make simulate ERP={self.connector} SEED={self.seed} N=1 ORDER_DAYS={self.days}"
        chosen = policies.spelled(self.policy)
        return f"seed {self.seed} into {self.connector} ({replay}; policy: {chosen})"


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
    policy = policies.drawn(chance, sorted(shop_assortment().locations))
    with open_world(server, staging_url, connector, seed, policy) as world:
        if sabotage is not None:
            sabotage(world)
        return _Simulation(world, chance, Report(connector, seed, days, policy)).run(days)


@dataclass
class _Simulation:
    world: World
    chance: random.Random
    report: Report
    quiet: bool = False
    at_work: int = 0

    def __post_init__(self) -> None:
        self.alive: list[str] = []
        days = [(START + timedelta(days=n)).date() for n in range(self.report.days)]
        done = self.report.deeds
        self.people = People(self.world, self.chance, days, self.alive, done)
        self.keeper = BookKeeper(self.world, self.alive, self.people.approved)
        self.faults = Faults(self.chance, self.report.faults)
        self.clock = FixedClock(START)
        house = self.world.house
        house.clock = self.clock
        house.erp = FaultyErp(  # type: ignore[assignment]
            house.erp, self.faults, self.world.rig, self.people.meddle
        )
        self.faults.watch(house.engine)

    def run(self, days: int) -> Report:
        for number in range(days):
            day = Window(START + timedelta(days=number), START + timedelta(days=number + 1))
            self._live_through(day)
            self._move_clock(day.end_at + timedelta(hours=1, minutes=self.chance.randint(-10, 10)))
            self._run_all(self._runs_of(day, number))
            self._check_books()
        self._end(Window(START, START + timedelta(days=days + 1)))
        self.report.orders = len(self.alive)
        return self.report

    def _end(self, whole: Window) -> None:
        """Let everything come true that an order may wait for: then it has to come through."""
        self.quiet = self.people.is_away = True
        self.report.held = len(self.keeper.held())
        at = whole.end_at - timedelta(hours=1)
        self.world.store.clock.set(at)
        for number in self.alive:
            lives.end(self.world.store, self.world.store.by_name(number), at)
        self.people.relent()
        self._move_clock(whole.end_at + timedelta(hours=1))
        for last in range(MOST_LAST_RUNS):
            self._run_all([Run(f"last-{last}", RunType.BACKFILL, whole)])
            held = self.keeper.held()
            if not held:
                break
            self.people.approve()
        else:
            raise Broken(f"{self.report}: these never came through: {held}")
        self._check_books(at_the_end=True)

    def _move_clock(self, at: datetime) -> None:
        self.clock.at = at
        self.world.store.clock.set(at)

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

    def _runs_of(self, day: Window, number: int) -> list[Run]:
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
        return [Run(f"{kind}-{number}-{at}", kind, own) for at, (own, kind) in enumerate(runs)]

    def _run_all(self, runs: list[Run]) -> None:
        """Run windows one after the other, or now and then side by side, step by step.

        Side by side is in one thread: two processes of the same orders take turns.
        """
        processes = [self._attempts(run) for run in runs]
        is_side_by_side = len(runs) > 1 and self.chance.random() < SIDE_BY_SIDE
        self.report.deeds["side_by_side"] += is_side_by_side
        while processes:
            self.at_work = len(processes) if is_side_by_side else 1
            process = self.chance.choice(processes) if is_side_by_side else processes[0]
            if next(process, DONE) is DONE:
                processes.remove(process)
            if not self.quiet and self.chance.random() < PEOPLE_COME:
                self.people.work_at_the_erp()
                self.people.approve(share=0.5)

    def _attempts(self, run: Run) -> Iterator[str]:
        """Yield after each try of a step, as Airflow runs them: what dies or fails is retried."""
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
            tries = 0
            while not self._survives(name, steps[name], faulty=tries < MOST_FAULTY):
                yield name
                tries += 1
                others = name == "prove" and self.at_work > 1
                if tries >= MOST_TRIES * (MOST_TURNS if others else 1):
                    raise Broken(f"{self.report}: {run.run_id} is wedged in {name}")
            yield name
        self.report.runs += 1

    def _survives(self, name: str, step: Callable[[], object], *, faulty: bool) -> bool:
        self.faults.clear()
        self.world.sandbox.faults.clear()
        if faulty and not self.quiet:
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
        except (CounterfoilError, OthersAtWork):
            return False
        finally:
            self.faults.clear()
            if not self.world.sandbox.faults.waiting():
                self.report.faults.update(laid)
        return True

    def _prove(self, run: Run, batch: int) -> None:
        selection = run.selection(self.world.house.settings, self.clock.now())
        found = proof.prove(self.world.house, run, selection, batch)
        if not found.is_complete and self.at_work > 1:
            raise OthersAtWork
        if not found.is_complete:
            words = [
                f"{o.order_number}: {o.message}" for o in found.orders if o.outcome == "unexplained"
            ]
            raise Broken(f"{self.report}: {run.run_id}: {words} {found.money}")

    def _check_books(self, *, at_the_end: bool = False) -> None:
        """Hold the ERP's own tables against the store's truth, order by order."""
        wrong = list(self.keeper.faults(at_the_end=at_the_end))
        if wrong:
            raise Broken(f"{self.report}: {'; '.join(wrong)}")


def quiet() -> None:
    """Keep the pipelines' own lines out of the simulation's output."""
    logging.disable(logging.CRITICAL)
