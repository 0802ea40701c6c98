"""Customers with orders, documents and held orders in a real staging database."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from decimal import Decimal

import orjson
from sqlalchemy import Connection, Engine, text

from include.domain.verdict import Finding
from include.staging import quarantine

CHANNEL = "shopify_gp"
ADA = "gid://shopify/Customer/7200000032768"
FORGOTTEN = "gid://shopify/Customer/7200000065536"
PLACED = datetime(2026, 11, 2, 9, 30, tzinfo=UTC)


def add_order(
    connection: Connection,
    number: int,
    customer_id: str | None,
    total: str,
    *,
    channel: str = CHANNEL,
    returned: str = "0",
    outstanding: str = "0",
    currency: str = "USD",
    redacted: bool = False,
    test: bool = False,
) -> str:
    """Stage an order; its document holds what the pages look at, and a name that none may show."""
    order_id = f"gid://shopify/Order/{number}"
    customer = {"customer_id_store": customer_id, "name": "Ada Secret", "email": "ada@secret.test"}
    document = {
        "number": f"#{number}",
        "customer": customer if customer_id else None,
        "pii_state": "redacted" if redacted else "present",
    }
    left = Decimal(total) - Decimal(returned)
    connection.execute(
        text(
            "INSERT INTO staged_order (channel, order_id_store, order_number, updated_at,"
            " placed_at, currency, presentment_currency, original_total, current_total,"
            " current_tax, received, refunded, outstanding, financial_status,"
            " fulfillment_status, program, is_test, line_count, customer_id_store, document,"
            " document_digest, batch_id_first, batch_id) VALUES (:channel, :order_id, :number, :at,"
            " :at, :currency, :currency, :total, :left, 0, :received, :returned, :outstanding,"
            " 'paid', 'fulfilled', 'online', :test, 1, :customer_id, CAST(:document AS json),"
            " 'x', 1, 1)"
        ),
        {
            "channel": channel,
            "order_id": order_id,
            "number": f"#{number}",
            "customer_id": customer_id,
            "at": PLACED + timedelta(days=number - 1001),
            "currency": currency,
            "total": total,
            "left": left,
            "received": Decimal(total) - Decimal(outstanding),
            "returned": returned,
            "outstanding": outstanding,
            "test": test,
            "document": orjson.dumps(document).decode(),
        },
    )
    return order_id


def book(
    connection: Connection, order_id: str, kind: str, reference: str, *, total: str, paid: str = "0"
) -> None:
    """Note a posted document."""
    connection.execute(
        text(
            "INSERT INTO erp_document (channel, order_id_store, kind, sequence, order_number,"
            " state, total, currency, reference, paid, batch_id, posted_at) VALUES (:channel,"
            " :order_id, :kind, 1, '#1', 'posted', :total, 'USD', :reference, :paid, 1, now())"
        ),
        {
            "channel": CHANNEL,
            "order_id": order_id,
            "kind": kind,
            "reference": reference,
            "total": total,
            "paid": paid,
        },
    )


def fill(engine: Engine) -> None:
    """Ada: three orders, one of them held, one in yen, and one held before it was staged."""
    with engine.begin() as connection:
        first = add_order(connection, 1001, ADA, "120.00", returned="20.00")
        book(connection, first, "sales_order", "ORDW1", total="120.00")
        book(connection, first, "invoice", "INVW1", total="120.00", paid="120.00")
        book(connection, first, "credit_note", "RTNW1", total="20.00", paid="20.00")
        second = add_order(connection, 1002, ADA, "30.00", outstanding="30.00")
        add_order(connection, 1003, ADA, "5000", currency="JPY")
        add_order(connection, 1004, ADA, "1.00", test=True)
        add_order(connection, 1005, FORGOTTEN, "9.00", redacted=True)
        add_order(connection, 1006, None, "8.00")
        add_order(connection, 1007, ADA, "7.00", channel="amazon_sistema")
        connection.execute(
            text(
                "INSERT INTO landing_batch (channel, run_id, run_type, window_start, window_end,"
                " fetch_start, basis, selection) VALUES ('shopify_gp', 'r', 'manual', now(),"
                " now(), now(), 'updated', '{}')"
            )
        )
        connection.execute(
            text(
                "INSERT INTO landing_order (batch_id, order_id_store, order_number, updated_at,"
                " digest, canonical) VALUES (1, 'gid://shopify/Order/1008', '#1008', now(), 'x',"
                " CAST(:canonical AS json))"
            ),
            {"canonical": orjson.dumps({"customer": {"customer_id_store": ADA}}).decode()},
        )
        for order_id, number in ((second, "#1002"), ("gid://shopify/Order/1008", "#1008")):
            found = Finding(order_id, number, "unbalanced", "ties", f"order {number} does not tie")
            quarantine.record(connection, CHANNEL, [found], owner="desk", batch_id=1)
