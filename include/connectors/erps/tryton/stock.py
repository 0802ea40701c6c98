"""Reserves, ships and takes back the goods of sales; what stock does not cover stays behind.

A shipment is picked, packed and done as a person would; what was not there is left to Tryton,
which makes a shipment of it that waits for stock.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from decimal import Decimal
from typing import Any

from include.connectors.erps.tryton.rpc import TrytonClient
from include.connectors.erps.tryton.sale_records import Move, Sale, Shipment
from include.domain.money import ZERO

SHIPMENT = "stock.shipment.out"
RETURN = "stock.shipment.out.return"
_FINISHING = ("picked", "packed", "shipped")
# A shipment that was cut down leaves a new one behind; it does not get shorter for ever.
_ROUNDS = 4


def short_lines(sales: Iterable[Sale]) -> dict[str, Decimal]:
    """Return the units that wait for stock, by the store's line id.

    Args:
        sales: Sales of one order.
    """
    found: dict[str, Decimal] = {}
    for sale in sales:
        keys = {line.id: line.key.removesuffix("/2") for line in sale.lines}
        for one in sale.shipments:
            lines = _lines(one)
            for move in one.short:
                key = keys.get(lines.get(move.id, 0), "")
                found[key] = found.get(key, ZERO) + move.quantity
    return found


def reserve(client: TrytonClient, sales: Iterable[Sale]) -> bool:
    """Assign what stock covers to shipments that wait; tell whether there were any.

    Args:
        client: The session.
        sales: Sales as they were just read.
    """
    ids = [one.id for sale in sales for one in sale.shipments if one.state == "waiting"]
    drafts = [one.id for sale in sales for one in sale.shipments if one.state == "draft"]
    if drafts:
        client.press(SHIPMENT, "wait", drafts)
    if ids or drafts:
        client.press(SHIPMENT, "assign_try", ids + drafts)
    return bool(ids or drafts)


def release(client: TrytonClient, sales: Iterable[Sale]) -> None:
    """Give back what shipments that have not been picked hold reserved.

    Args:
        client: The session.
        sales: Whose shipments.
    """
    ids = [
        one.id
        for sale in sales
        for one in sale.shipments
        if one.state in ("waiting", "assigned")
        and any(move.state == "assigned" for move in one.moves)
    ]
    if ids:
        client.press(SHIPMENT, "wait", ids)


def ship(
    client: TrytonClient,
    sales: Sequence[Sale],
    wanted: Mapping[int, Decimal],
    read: Callable[[], Sequence[Sale]],
) -> None:
    """Ship lines of sales until so many units have left in all, as far as stock goes.

    Args:
        client: The session.
        sales: The sales, as just read.
        wanted: Units that should have left, by line of a sale.
        read: Reads the sales anew.
    """
    for attempt in range(_ROUNDS):
        if _finish(client, sales):
            sales = read()
        due = _due(sales, wanted)
        if not due:
            return
        if attempt and not any(one.state == "assigned" for s in sales for one in s.shipments):
            return
        waits = any(one.state in ("draft", "waiting") for s in sales for one in s.shipments)
        if waits and not attempt and reserve(client, sales):
            sales = read()
        was_planned = sum(due.values(), ZERO)
        ready = [one for sale in sales for one in sale.shipments if _cut(client, one, due)]
        if not ready:
            return
        apart = [one.id for one in ready if one.is_picked_apart]
        if apart:
            client.press(SHIPMENT, "pick", apart)
        ids = [one.id for one in ready]
        client.press(SHIPMENT, "pack", ids)
        client.press(SHIPMENT, "do", ids)
        if not due and was_planned == _planned(ready):
            return
        # What stays behind is on a shipment of its own now, and holds no stock yet.
        sales = read()
        if not due:
            reserve(client, sales)
            return


def receive(client: TrytonClient, sales: Iterable[Sale]) -> None:
    """Receive the goods of return sales and put them on the shelf.

    Args:
        client: The session.
        sales: Sales that take goods back.
    """
    returns = [back for sale in sales for back in sale.returns]
    drafts = [one for one, state in returns if state == "draft"]
    if drafts:
        client.press(RETURN, "receive", drafts)
    received = [one for one, state in returns if state in ("draft", "received")]
    if received:
        client.press(RETURN, "do", received)


def _finish(client: TrytonClient, sales: Sequence[Sale]) -> bool:
    """Finish shipments that a poster which died left half way; tell whether there were any."""
    found = [one for sale in sales for one in sale.shipments if one.state in _FINISHING]
    picked = [one.id for one in found if one.state == "picked"]
    if picked:
        client.press(SHIPMENT, "pack", picked)
    if found:
        client.press(SHIPMENT, "do", [one.id for one in found])
    return bool(found)


def _due(sales: Sequence[Sale], wanted: Mapping[int, Decimal]) -> dict[int, Decimal]:
    """Return the units still to leave, by line of a sale."""
    shipped = {line.id: line.shipped for sale in sales for line in sale.lines}
    gaps = {line: units - shipped.get(line, ZERO) for line, units in wanted.items()}
    return {line: units for line, units in gaps.items() if units > ZERO}


def _planned(shipments: Iterable[Shipment]) -> Decimal:
    """Return the units that shipments were to bring before they were cut."""
    return sum((move.quantity for one in shipments for move in one.outgoing), ZERO)


def _cut(client: TrytonClient, shipment: Shipment, due: dict[int, Decimal]) -> bool:
    """Cut a shipment down to what is due and reserved; tell whether anything of it goes.

    What goes is taken off ``due``.
    """
    if shipment.state not in ("waiting", "assigned"):
        return False
    lines = _lines(shipment)
    reserved: dict[int, Decimal] = {}
    for move in shipment.reserving:
        line = lines.get(move.id)
        if line is not None and move.state == "assigned":
            reserved[line] = reserved.get(line, ZERO) + move.quantity
    goes = {line: min(units, due.get(line, ZERO)) for line, units in reserved.items()}
    if not any(goes.values()):
        return False
    field = "inventory_moves" if shipment.is_picked_apart and shipment.picking else "outgoing_moves"
    if goes != reserved:
        _cut_reserved(client, shipment.id, field, goes)
    else:
        short = [move.id for move in shipment.reserving if move.state in ("draft", "staging")]
        if short:
            client.write(SHIPMENT, [shipment.id], {field: [["delete", short]]})
            client.press(SHIPMENT, "assign_try", [shipment.id])
    for line, units in goes.items():
        left = due.pop(line, ZERO) - units
        if left > ZERO:
            due[line] = left
    return True


def _cut_reserved(
    client: TrytonClient, shipment: int, field: str, goes: Mapping[int, Decimal]
) -> None:
    """Reserve anew, no more than goes now."""
    client.press(SHIPMENT, "wait", [shipment])
    rows = client.search(
        "stock.move",
        [["shipment", "=", f"{SHIPMENT},{shipment}"], ["state", "!=", "cancelled"]],
        ["state", "quantity", "origin"],
    )
    moves = tuple(
        Move(row["id"], row["state"], Decimal(str(row["quantity"])), row["origin"] or "")
        for row in rows
    )
    fresh = Shipment(shipment, "waiting", field == "inventory_moves", moves)
    lines, left = _lines(fresh), dict(goes)
    commands: list[list[Any]] = []
    gone: list[int] = []
    for move in fresh.reserving:
        line = lines.get(move.id)
        units = min(left.get(line, ZERO), move.quantity) if line is not None else ZERO
        if line is not None and units:
            left[line] -= units
        if not units:
            gone.append(move.id)
        elif units != move.quantity:
            commands.append(["write", [move.id], {"quantity": float(units)}])
    if gone:
        commands.append(["delete", gone])
    if commands:
        client.write(SHIPMENT, [shipment], {field: commands})
    client.press(SHIPMENT, "assign_try", [shipment])


def _lines(shipment: Shipment) -> dict[int, int]:
    """Return the line of the sale that each move of a shipment is for."""
    found: dict[int, int] = {}
    for move in shipment.outgoing:
        model, _, record = move.origin.partition(",")
        if model == "sale.line":
            found[move.id] = int(record)
    for move in shipment.picking:
        outgoing = int(move.origin.partition(",")[2])
        if outgoing in found:
            found[move.id] = found[outgoing]
    return found
