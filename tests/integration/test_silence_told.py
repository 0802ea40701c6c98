"""A silence in staging is told once, and never by what narrow runs or held orders look like."""

from __future__ import annotations

import random
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import orjson
import pytest
from sqlalchemy import Engine, text

from include.domain.errors import RemoteUnavailable
from include.domain.window import Basis, Selection, Window
from include.pipelines import silence
from include.pipelines.house import House
from include.settings.channel import load_channel
from include.staging import batches
from include.staging import engine as staging

CHANNEL = "shopify_gp"
LAST = datetime(2026, 6, 10, 15, tzinfo=UTC)


class Clock:
    def __init__(self, at: datetime) -> None:
        self.at = at

    def now(self) -> datetime:
        return self.at


@pytest.fixture
def house(staging_url: str) -> Iterator[House]:
    engine = staging.create(staging_url)
    staging.ensure_ready(engine)
    fill(engine)
    looked_until(engine, LAST)
    yield House(load_channel(CHANNEL), engine, Clock(LAST), None, None)  # type: ignore[arg-type]
    engine.dispose()


def fill(engine: Engine) -> None:
    """Eight weeks of a shop that sells about two orders an hour, by day and by night."""
    rng = random.Random(1)
    at, rows = LAST - timedelta(weeks=9), []
    while at < LAST:
        rows.append({"n": len(rows), "at": at})
        at += timedelta(minutes=rng.expovariate(1 / 30))
    with engine.begin() as connection:
        connection.execute(
            text(
                "INSERT INTO staged_order SELECT :channel, n, n, at, at, NULL, 'USD', 'USD',"
                " 1, 1, 0, 1, 0, 0, 'paid', 'unfulfilled', 'online', false, 1, '{}', '\\x00',"
                " 1, 1 FROM json_to_recordset(:rows) AS r (n text, at timestamptz)"
            ),
            {"channel": CHANNEL, "rows": orjson.dumps(rows).decode()},
        )


def looked_until(
    engine: Engine, at: datetime, hours: int = 1, numbers: tuple[str, ...] = ()
) -> int:
    """Note six windows of so many hours that were pulled, the last of which ends at an instant."""
    with engine.begin() as connection:
        for back in range(5, -1, -1):
            end = at - timedelta(hours=back * hours)
            window = Window(end - timedelta(hours=hours), end)
            batch_id = batches.open_batch(
                connection,
                CHANNEL,
                run_id=f"{end}{numbers}",
                run_type="scheduled",
                selection=Selection(window, Basis.UPDATED, numbers),
                fetched=window,
            )
            batches.finish_batch(
                connection, batch_id, store_count=0, owned=0, pulled=0, normalised=0
            )
    return batch_id


def at(house: House, moment: datetime) -> House:
    house.clock.at = moment  # type: ignore[attr-defined]
    return house


def test_a_silence_is_told_once_with_when_it_began(house: House) -> None:
    told: list[tuple[str, ...]] = []
    assert silence.tell(house, lambda *words: told.append(words)) is None
    later = LAST + timedelta(hours=8)
    looked_until(house.engine, later)
    assert silence.tell(at(house, later), lambda *words: told.append(words)) is not None
    even_later = later + timedelta(hours=5)
    looked_until(house.engine, even_later)
    assert silence.tell(at(house, even_later), lambda *words: told.append(words)) is None
    ((owner, subject, words),) = told
    assert owner == "order-desk@example.com"
    assert subject.startswith("Counterfoil: shopify_gp: no orders since 2026-06-10 14:")
    assert "Try the shop's checkout" in words


def test_a_message_that_does_not_go_out_is_sent_again_by_the_next_run(house: House) -> None:
    later = LAST + timedelta(hours=8)
    looked_until(house.engine, later)

    def fail(*_: str) -> None:
        raise RemoteUnavailable("no mail today")

    with pytest.raises(RemoteUnavailable):
        silence.tell(at(house, later), fail)
    told: list[tuple[str, ...]] = []
    silence.tell(house, lambda *words: told.append(words))
    assert len(told) == 1


def test_a_window_not_yet_pulled_is_no_silence_and_a_dag_at_rest_is_told_as_that(
    house: House,
) -> None:
    assert silence.check(at(house, LAST + timedelta(hours=3))) is None
    found = silence.check(at(house, LAST + timedelta(hours=5)))
    assert found is not None
    assert (found.since_at, found.missed) == (LAST, 0.0)
    assert "has not been looked at since" in found.in_words(CHANNEL)


def test_a_run_for_given_numbers_says_nothing_about_the_rest_of_the_store(house: House) -> None:
    later = LAST + timedelta(hours=3)
    looked_until(house.engine, later, numbers=("#1",))
    assert silence.check(at(house, later)) is None


def test_orders_that_are_held_are_orders(house: House) -> None:
    later = LAST + timedelta(hours=8)
    batch_id = looked_until(house.engine, later)
    with house.engine.begin() as connection:
        connection.execute(
            text(
                "INSERT INTO landing_order (batch_id, order_id_store, order_number, updated_at,"
                " digest, verdict) VALUES (:batch_id, 'held', '#held', :at, '\\x00', 'hold')"
            ),
            {"batch_id": batch_id, "at": later - timedelta(minutes=30)},
        )
    assert silence.check(at(house, later)) is None
