"""A customer is forgotten everywhere but in the books, for good, on real parts."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta

import pytest
from sqlalchemy import text

from include.connectors.stores.shopify.sandbox import amend
from include.pipelines import orders, privacy
from include.pipelines.quarantine import ReplayOf, Source, replay
from include.staging import desk, quarantine
from local.postgres import EmbeddedPostgres
from tests.integration.world import NOW, World, day, open_world

YESTERDAY = day(1)
CHANNEL = "shopify_gp"
PERSON = {
    "name": "Zebulon Quackenbush",
    "first": "Zebulon",
    "last": "Quackenbush",
    "email": "zebulon.q@quackmail.example",
    "phone": "+15559876543",
    "street": "77 Xylophone Row",
    "town": "Qwertyville",
    "zip": "ZX9-9QQ",
}


@pytest.fixture
def world(postgres_server: EmbeddedPostgres, staging_url: str) -> Iterator[World]:
    with open_world(postgres_server, staging_url, per_day=60) as opened:
        yield opened


def become(world: World, number: str) -> None:
    """Let an order be Zebulon's."""
    order = world.store.by_name(number)
    address = {
        "firstName": PERSON["first"],
        "lastName": PERSON["last"],
        "name": PERSON["name"],
        "address1": PERSON["street"],
        "city": PERSON["town"],
        "zip": PERSON["zip"],
        "phone": PERSON["phone"],
        "formatted": [PERSON["name"], PERSON["street"]],
        "formattedArea": f"{PERSON['town']}, United States",
    }
    was = order.shipping_to or next(o.shipping_to for o in world.store if o.shipping_to)
    order.shipping_to = {**was, **address}
    order.email, order.phone = PERSON["email"], PERSON["phone"]
    world.store.put(order)


def left(world: World) -> dict[str, list[str]]:
    """Search every text and json column of every table for every personal value."""
    found: dict[str, list[str]] = {}
    with world.house.engine.connect() as connection:
        columns = connection.execute(
            text(
                "SELECT c.table_name, c.column_name FROM information_schema.columns AS c"
                " JOIN information_schema.tables AS t USING (table_schema, table_name)"
                " WHERE c.table_schema = 'public' AND t.table_type = 'BASE TABLE'"
                " AND c.data_type IN ('text', 'json', 'jsonb', 'ARRAY', 'character varying')"
            )
        ).all()
        for table, column in columns:
            for name, value in PERSON.items():
                if connection.scalar(
                    text(
                        f"SELECT EXISTS (SELECT FROM {table}"
                        f" WHERE {column}::text ILIKE '%' || :value || '%')"
                    ),
                    {"value": value},
                ):
                    found.setdefault(name, []).append(f"{table}.{column}")
    return found


def a_posted_and_a_held_order(world: World) -> tuple[str, str]:
    world.whole(YESTERDAY)
    ((posted,),) = world.ask(
        "select s.order_number from staged_order s join erp_document e"
        " using (channel, order_id_store) where e.kind = 'invoice' and e.state = 'posted'"
        " and s.document->'shipping_address' is not null and s.document->'customer' is not null"
        " order by s.order_number limit 1"
    )
    ((held,),) = world.ask(
        "select order_number from quarantine where reason_class = 'missing_mapping' limit 1"
    )
    for number in (str(posted), str(held)):
        become(world, number)
        amend.touch(world.store.by_name(number), NOW - timedelta(hours=12))
        world.store.put(world.store.by_name(number))
    world.whole(YESTERDAY, "r2")
    return str(posted), str(held)


def id_of(world: World, number: str) -> str:
    with world.house.engine.connect() as connection:
        found = connection.scalar(
            text("SELECT order_id_store FROM staged_order WHERE order_number = :n"), {"n": number}
        )
    return str(found)


def write_down(world: World, order_id: str, number: str) -> None:
    """Let people and systems write the person's data wherever words go."""
    with world.house.engine.begin() as connection:
        words = f"order {number}: {PERSON['name']}, {PERSON['street']} is too long"
        desk.note(connection, CHANNEL, order_id, body=f"call {PERSON['phone']}", actor="ada")
        connection.execute(
            text(
                "UPDATE quarantine SET message = message || :words, remote = :words"
                " WHERE order_id_store = :id"
            ),
            {"words": words, "id": order_id},
        )
        connection.execute(
            text("UPDATE erp_document SET error = :words WHERE order_id_store = :id"),
            {"words": words, "id": order_id},
        )
        connection.execute(
            text("UPDATE landing_order SET message = :words WHERE order_id_store = :id"),
            {"words": words, "id": order_id},
        )
        connection.execute(
            text("UPDATE proof_order SET message = :words WHERE order_id_store = :id"),
            {"words": words, "id": order_id},
        )
        for row in quarantine.open_rows(connection, CHANNEL, [order_id]):
            reason = f"{PERSON['email'].upper()} paid by hand"
            quarantine.write_off(connection, row.quarantine_id, actor="ada", reason=reason)


def test_no_personal_value_is_left_in_any_table_and_the_books_stay(world: World) -> None:
    posted, held = a_posted_and_a_held_order(world)
    ids = [id_of(world, posted), id_of(world, held)]
    for order_id, number in zip(ids, (posted, held), strict=True):
        write_down(world, order_id, number)
    assert set(left(world)) == set(PERSON)
    kept = (
        "select order_number, current_total, current_tax, line_count from staged_order order by 1"
    )
    ledger = "select order_number, kind, reference, total, paid from erp_document order by 1, 2"
    before = world.ask(kept), world.ask(ledger)

    done = privacy.forget(world.house, actor="shop", order_ids=ids)

    assert left(world) == {}
    assert (world.ask(kept), world.ask(ledger)) == before
    assert (done.orders, done.documents >= 2, done.canonical >= 2) == (2, True, True)
    assert world.ask(
        "select actor, count(*) from log_audit where action = 'redacted' group by 1"
    ) == [("shop", 2)]
    assert privacy.forget(world.house, actor="shop", order_ids=ids) == (2, 0, 0, 0)
    assert world.ask("select count(*) from log_audit where action = 'redacted'") == [(2,)]


def test_what_a_later_pull_or_replay_brings_back_is_erased_again(world: World) -> None:
    posted, held = a_posted_and_a_held_order(world)
    ids = [id_of(world, posted), id_of(world, held)]
    privacy.forget(world.house, actor="shop", order_ids=ids)
    again = world.whole(YESTERDAY, "r3")
    assert again.is_complete
    assert left(world) == {}
    replay(world.house, "replay", ReplayOf(order_numbers=(held,), source=Source.STORE))
    assert left(world) == {}
    batch, _ = world.pull(world.run(YESTERDAY, "dry"))
    orders.validate(world.house, batch, dry_run=True)
    assert left(world) == {}


def test_nothing_is_posted_anew_because_somebody_was_forgotten(world: World) -> None:
    posted, held = a_posted_and_a_held_order(world)
    documents = "select soptype, sopnumbe, docamnt from sales_documents order by 1, 2"
    before = world.books(documents)
    ids = [id_of(world, posted), id_of(world, held)]
    privacy.forget(world.house, actor="shop", order_ids=ids)
    assert world.whole(YESTERDAY, "r3").is_complete
    assert world.books(documents) == before


@pytest.mark.parametrize("part", ["whole", "number"])
def test_a_customer_is_found_by_the_stores_id_with_all_orders(world: World, part: str) -> None:
    world.whole(YESTERDAY)
    customer, count = world.ask(
        "select document->'customer'->>'customer_id_store', count(*) from staged_order"
        " where document->'customer'->>'customer_id_store' is not null"
        " group by 1 order by 2 desc limit 1"
    )[0]
    named = str(customer) if part == "whole" else str(customer).rsplit("/", 1)[1]
    done = privacy.forget(world.house, actor="shop", customer_id=named)
    assert done.orders >= int(str(count))
    people = world.ask(
        "select distinct document->'customer' ->> 'email', document->>'pii_state'"
        " from staged_order where document->'customer'->>'customer_id_store' = :id",
        id=customer,
    )
    assert people == [(None, "redacted")]
    others = world.ask("select count(*) from staged_order where document->>'pii_state' = 'present'")
    assert others != [(0,)]


def test_forgetting_nobody_changes_nothing(world: World) -> None:
    world.whole(YESTERDAY)
    assert privacy.forget(world.house, actor="shop", customer_id="4711") == (0, 0, 0, 0)
