"""The HTTP face of the account: token, paths, lists, 201 with a Location, 4xx with JSON."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable, Iterable
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import HTMLResponse, Response
from starlette.routing import Route
from starlette.types import Receive, Scope, Send

from include.connectors.erps.heartland_retail.sandbox import invoices as bills
from include.connectors.erps.heartland_retail.sandbox import orders as order_rules
from include.connectors.erps.heartland_retail.sandbox.account import PARENTS, Account
from include.connectors.erps.heartland_retail.sandbox.faults import Faults
from include.connectors.erps.heartland_retail.sandbox.invoices import Invoices, Tickets
from include.connectors.erps.heartland_retail.sandbox.orders import Orders
from include.connectors.erps.heartland_retail.sandbox.query import candidates, matching, page_of
from include.connectors.erps.heartland_retail.sandbox.running import Wires
from include.connectors.erps.heartland_retail.sandbox.schema import FIELDS, Invalid, Row, cleaned
from include.connectors.erps.heartland_retail.sandbox.stock import Stock

_READ_ONLY: dict[str, set[str]] = {
    "locations": {"name", "public_id", "active"},
    "stations": {"name", "location_id", "active"},
    "payment_types": {"name", "active"},
    "shipping_methods": {"name", "active"},
    "custom_fields": {"group_id", "key", "name", "required"},
    "items": {"public_id", "description", "price", "active"},
    "inventory/transactions": {
        "item_id",
        "location_id",
        "delta_qty_on_hand",
        "delta_qty_committed",
    },
}
_SYSTEM = {"id", "created_at", "updated_at"}
_WORKED_OUT = {"total", "total_paid", "status", "type", "public_id", "pending_reasons"}
# A part that the published clients only ever add to.
_ADD_ONLY = {order_rules.TAXES, order_rules.DISCOUNTS}
_EMBEDS = {
    "sales/orders": {"lines", "taxes", "discounts", "payments", "customer"},
    "sales/invoices": {"lines", "customer"},
    "sales/tickets": {"lines", "payments", "customer"},
    "customers": {"addresses"},
    "locations": {"stations"},
}


class Sandbox:
    """One account and its switches.

    Args:
        account: The records.
        token: The token that is let in.
    """

    def __init__(self, account: Account, token: str) -> None:
        self.account = account
        self.token = token
        self.faults = Faults()
        self.wires = Wires()
        self.late_seconds = 0.3
        self.retry_after_seconds = 1.0
        self.hang_seconds = 30.0
        self.forbidden: set[str] = set()
        self.stock = Stock(account)
        self.orders = Orders(account, self.stock)
        self.invoices = Invoices(account, self.stock, self.orders)
        self.tickets = Tickets(account, self.stock)
        self.log: list[tuple[str, str, int]] = []


class MethodNotAllowed(Exception):
    """A call that the resource does not have, such as changing a tax of an order: 405.

    Args:
        method: HTTP method.
        kind: Path of the resource, without ids.
    """

    def __init__(self, method: str, kind: str) -> None:
        super().__init__(f"{kind} has no {method}")


class _Gone(Response):
    """No answer at all: the connection is dropped."""

    def __init__(self, drop: Callable[[], None], body: bytes = b"", status: int = 200) -> None:
        super().__init__(body, status)
        self._drop = drop

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if self.body:
            start = {"type": "http.response.start", "status": self.status_code}
            await send({**start, "headers": self.raw_headers})
            half = bytes(self.body)[: len(self.body) // 2]
            await send({"type": "http.response.body", "body": half, "more_body": True})
            await asyncio.sleep(0.01)
        self._drop()
        raise ConnectionResetError("the sandbox dropped the connection")


def create_app(sandbox: Sandbox) -> Starlette:
    """Build the ASGI application of one account.

    Args:
        sandbox: The account.
    """

    async def api(request: Request) -> Response:
        return await _api(sandbox, request)

    async def missing(_request: Request) -> Response:
        return _refused(404, "not_found", "there is nothing at this address")

    methods = ["GET", "POST", "PUT", "DELETE"]
    return Starlette(
        routes=[
            Route("/api/{rest:path}", api, methods=methods),
            Route("/{rest:path}", missing, methods=methods),
        ]
    )


async def _api(sandbox: Sandbox, request: Request) -> Response:
    path = request.path_params["rest"].strip("/")
    if request.headers.get("authorization") != f"Bearer {sandbox.token}":
        return _refused(401, "unauthorized", "the token is not valid")
    reads = request.method == "GET"
    fault = sandbox.faults.strike(reads=reads)
    early = await _before(sandbox, request, fault)
    if early is not None:
        return early
    body = await request.body()
    response = _answer(sandbox, request, path, body)
    sandbox.log.append((request.method, path, response.status_code))
    return await _after(sandbox, request, fault, response)


async def _before(sandbox: Sandbox, request: Request, fault: str | None) -> Response | None:
    if fault == "http_429":
        response = _refused(429, "rate_limited", "too many requests")
        response.headers["Retry-After"] = f"{sandbox.retry_after_seconds:g}"
        return response
    if fault == "http_503":
        return _refused(503, "unavailable", "try again later")
    if fault == "drop_before":
        return _Gone(lambda: sandbox.wires.drop(request.client))
    if fault == "timeout_before":
        await asyncio.sleep(sandbox.hang_seconds)
        return Response(status_code=504)
    return None


async def _after(
    sandbox: Sandbox, request: Request, fault: str | None, response: Response
) -> Response:
    if fault == "drop_after":
        return _Gone(lambda: sandbox.wires.drop(request.client))
    if fault == "cut_body":
        words = bytes(response.body) or b"HTTP"
        return _Gone(lambda: sandbox.wires.drop(request.client), words, response.status_code)
    if fault == "http_502_after":
        return HTMLResponse("<h1>Bad Gateway</h1>", 502)
    if fault == "timeout_after":
        await asyncio.sleep(sandbox.hang_seconds)
    if fault == "late":
        await asyncio.sleep(sandbox.late_seconds)
    return response


def _answer(  # noqa: PLR0911  one status a return
    sandbox: Sandbox, request: Request, path: str, body: bytes
) -> Response:
    kind, numbers = _placed(path)
    if kind in sandbox.forbidden:
        return _refused(403, "forbidden", "the token's user lacks the permission")
    known = kind in FIELDS or kind in _READ_ONLY or kind == "inventory/values"
    if not known or len(numbers) > kind.count("/") + 1:
        return _refused(404, "not_found", "there is nothing at this address")
    try:
        if request.method == "GET":
            return _json(_read(sandbox, request, kind, numbers, path))
        return _write(sandbox, request, path, body)
    except LookupError:
        return _refused(404, "not_found", "there is no record of that id")
    except Invalid as refusal:
        return _refused(422, refusal.error, "Validation failed", refusal.details)
    except MethodNotAllowed as refusal:
        return _refused(405, "method_not_allowed", str(refusal))


def _placed(path: str) -> tuple[str, list[int]]:
    parts = path.split("/")
    return "/".join(p for p in parts if not p.isdigit()), [int(p) for p in parts if p.isdigit()]


def _is_list(path: str) -> bool:
    return not path.rpartition("/")[2].isdigit()


# -- reading ----------------------------------------------------------------------------------


def _read(sandbox: Sandbox, request: Request, kind: str, numbers: list[int], path: str) -> Any:
    parameters = list(request.query_params.multi_items())
    include = [value for name, value in parameters if name == "_include[]"]
    unknown = set(include) - _EMBEDS.get(kind, set())
    if unknown:
        raise Invalid({"_include": f"does not know {', '.join(sorted(unknown))}"})
    for name in dict(parameters):
        if name.split("[")[0] not in _PARAMETERS and kind != "inventory/values":
            raise Invalid({name: "is not a parameter"})
    with sandbox.account.lock:
        if kind == "inventory/values":
            return _values(sandbox, parameters)
        if not _is_list(path):
            row = _one(sandbox, kind, numbers)
            return _rendered(sandbox, kind, row, include)
        fields = _fields_of(kind)
        keep = matching(parameters, fields)
        rows: Iterable[Row] = (
            sandbox.account.children(kind, _parent(sandbox, kind, numbers)["id"])
            if kind in PARENTS and numbers
            else candidates(sandbox.account, kind, parameters)
        )
        page = page_of((row for row in rows if keep(row)), parameters, fields)
        page["results"] = [_rendered(sandbox, kind, row, include) for row in page["results"]]
        only = [value for name, value in parameters if name == "_only[]"]
        if only:
            page["results"] = [{n: row.get(n) for n in only} for row in page["results"]]
        return page


_PARAMETERS = {"page", "per_page", "_filter", "sort", "_only", "_include", "query", "public_id"}


def _fields_of(kind: str) -> set[str]:
    fields = set(FIELDS.get(kind, {})) | _READ_ONLY.get(kind, set()) | _SYSTEM
    if kind in PARENTS:
        fields.add(PARENTS[kind][1])
    return fields | (_WORKED_OUT & {"status", "public_id", "type"})


def _values(sandbox: Sandbox, parameters: list[tuple[str, str]]) -> Row:
    asked = dict(parameters)
    rows = sandbox.stock.values()
    if "location_id" in asked:
        rows = [row for row in rows if str(row["location_id"]) == asked["location_id"]]
    groups = [value for name, value in parameters if name == "group[]"]
    if groups != ["item_id", "location_id"]:
        raise Invalid({"group": "must be item_id and location_id"})
    keep = matching(parameters, {"item_id", "location_id", "qty_available", "qty_on_hand"})
    return page_of((row for row in rows if keep(row)), parameters, {"item_id", "location_id"})


def _one(sandbox: Sandbox, kind: str, numbers: list[int]) -> Row:
    row = sandbox.account.get(kind, numbers[-1])
    if row is None:
        raise LookupError(kind)
    is_part = kind in PARENTS and len(numbers) > 1
    if is_part and row[PARENTS[kind][1]] != _parent(sandbox, kind, numbers)["id"]:
        raise LookupError(kind)
    return row


def _parent(sandbox: Sandbox, kind: str, numbers: list[int]) -> Row:
    row = sandbox.account.get(PARENTS[kind][0], numbers[0])
    if row is None:
        raise LookupError(kind)
    return row


def _rendered(sandbox: Sandbox, kind: str, row: Row, include: list[str]) -> Row:
    if kind == "sales/orders":
        row = sandbox.orders.shown(row)
    elif kind == "sales/invoices":
        row = sandbox.invoices.shown(row)
    elif kind == "sales/tickets":
        row = sandbox.tickets.shown(row)
    shown = {name: value for name, value in row.items() if not name.startswith("_")}
    for name in include:
        if name == "customer":
            found = sandbox.account.get("customers", row["customer_id"])
            shown[name] = None if found is None else dict(found)
            continue
        child = "stations" if name == "stations" else f"{kind}/{name}"
        shown[name] = [
            {n: v for n, v in part.items() if not n.startswith("_")}
            for part in sandbox.account.children(child, row["id"])
        ]
    shown.pop("is_tracked", None)
    return shown


# -- writing ----------------------------------------------------------------------------------


def _write(sandbox: Sandbox, request: Request, path: str, body: bytes) -> Response:
    kind, numbers = _placed(path)
    method, is_list = request.method, _is_list(path)
    if kind not in FIELDS or (method == "POST") != is_list:
        raise MethodNotAllowed(method, kind)
    if kind in _ADD_ONLY and method != "POST":
        raise MethodNotAllowed(method, kind)
    values: Row = {}
    if method != "DELETE":
        try:
            posted = json.loads(body, parse_float=Decimal)
        except ValueError:
            return _refused(400, "bad_request", "the body is not JSON")
        values = cleaned(kind, posted, creating=method == "POST")
    with sandbox.account.change():
        sandbox.account.check_references(kind, values)
        if method == "POST":
            row = _create(sandbox, kind, numbers, values)
            base = str(request.url).split("?")[0].rstrip("/")
            return Response(status_code=201, headers={"Location": f"{base}/{row['id']}"})
        row = _one(sandbox, kind, numbers)
        if method == "PUT":
            _change(sandbox, kind, numbers, row, values)
            return _json(_rendered(sandbox, kind, sandbox.account.get(kind, row["id"]) or row, []))
        _remove(sandbox, kind, numbers, row)
        return Response(status_code=204)


def _create(sandbox: Sandbox, kind: str, numbers: list[int], values: Row) -> Row:
    account = sandbox.account
    makers: dict[str, Callable[[Row], Row]] = {
        "sales/orders": sandbox.orders.create,
        "sales/invoices": sandbox.invoices.create,
        "sales/tickets": sandbox.tickets.create,
        "customers": lambda own: _customer(account, own),
    }
    if kind in makers:
        return makers[kind](values)
    parent = _parent(sandbox, kind, numbers)
    if kind in order_rules.PARTS:
        return sandbox.orders.add_part(kind, parent, values)
    if kind == bills.INVOICE_LINES:
        return sandbox.invoices.add_line(parent, values)
    if kind in (bills.TICKET_LINES, bills.TICKET_PAYMENTS):
        return sandbox.tickets.add_part(kind, parent, values)
    return account.add(kind, {**values, PARENTS[kind][1]: parent["id"]})


def _customer(account: Account, values: Row) -> Row:
    email = values.get("email")
    if email and ("@" not in email or " " in email):
        raise Invalid({"email": "is not an e-mail address"})
    own = values.get("public_id")
    if own and any(row["public_id"] == own for row in account.all("customers")):
        raise Invalid({"public_id": "has already been taken"})
    row = account.add("customers", {"custom": {}, "email": None, "active": True, **values})
    return row if own else account.put("customers", row["id"], {"public_id": f"C{row['id']}"})


def _change(sandbox: Sandbox, kind: str, numbers: list[int], row: Row, values: Row) -> None:
    if kind == "sales/orders":
        sandbox.orders.update(row, values)
    elif kind == "sales/invoices":
        sandbox.invoices.update(row, values)
    elif kind == "sales/tickets":
        sandbox.tickets.update(row, values)
    elif kind in order_rules.PARTS:
        sandbox.orders.change_part(kind, _parent(sandbox, kind, numbers), row, values)
    elif kind == bills.INVOICE_LINES:
        sandbox.invoices.change_line(_parent(sandbox, kind, numbers), row, values)
    elif kind in (bills.TICKET_LINES, bills.TICKET_PAYMENTS):
        raise MethodNotAllowed("PUT", kind)
    else:
        sandbox.account.put(kind, row["id"], values)


def _remove(sandbox: Sandbox, kind: str, numbers: list[int], row: Row) -> None:
    if kind in order_rules.PARTS:
        sandbox.orders.remove_part(kind, _parent(sandbox, kind, numbers), row)
    elif kind == bills.INVOICE_LINES:
        sandbox.invoices.remove_line(_parent(sandbox, kind, numbers), row)
    else:
        raise MethodNotAllowed("DELETE", kind)


# -- answers ----------------------------------------------------------------------------------


def _json(body: object, status: int = 200) -> Response:
    text = json.dumps(body, default=_number, separators=(",", ":"))
    return Response(text, status, media_type="application/json; charset=utf-8")


def _number(value: object) -> object:
    if isinstance(value, Decimal):
        return int(value) if value == value.to_integral_value() else float(value)
    if isinstance(value, datetime):
        return value.astimezone(UTC).isoformat()
    raise TypeError(type(value).__name__)


def _refused(
    status: int, error: str, message: str, details: dict[str, list[str]] | None = None
) -> Response:
    body: Row = {"error": error, "message": message}
    if details is not None:
        body["details"] = details
    return _json(body, status)
