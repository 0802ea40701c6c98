"""The control interface under /__sandbox__/: look behind the curtain, and move the scenery.

None of this is Shopify's. Tests and demonstrations use it to read the truth about the shop, to
change orders, to stop the clock and to switch faults on.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import asdict
from datetime import datetime
from decimal import Decimal, InvalidOperation
from typing import Any

import orjson
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from include.connectors.stores.shopify.sandbox import amend, catalog
from include.connectors.stores.shopify.sandbox.book import Line, Order
from include.connectors.stores.shopify.sandbox.cases import CASES
from include.connectors.stores.shopify.sandbox.faults import KINDS, Fault
from include.connectors.stores.shopify.sandbox.render import instant
from include.connectors.stores.shopify.sandbox.store import totals_of
from include.connectors.stores.shopify.sandbox.world import Sandbox

_Handler = Callable[[Request], Awaitable[Response]]
_LARGEST_NUMBER = 10**9


def _answer(body: object, status: int = 200) -> Response:
    return Response(orjson.dumps(body), status, media_type="application/json")


class Refusal(ValueError):
    """A control request that makes no sense; the message says why."""


class Control:
    """Handlers of the control interface.

    Args:
        sandbox: What is controlled.
    """

    def __init__(self, sandbox: Sandbox) -> None:
        self._sandbox = sandbox
        self._store = sandbox.store

    def routes(self) -> list[Route]:
        """Return the routes below /__sandbox__."""
        table: tuple[tuple[str, str, Callable[[dict[str, Any]], Any]], ...] = (
            ("GET", "/orders", self.orders),
            ("POST", "/orders", self.add),
            ("POST", "/orders/{order}/touch", self.touch),
            ("POST", "/orders/{order}/edit", self.edit),
            ("POST", "/orders/{order}/cancel", self.cancel),
            ("POST", "/orders/{order}/refund", self.refund),
            ("POST", "/orders/{order}/fulfill", self.fulfill),
            ("DELETE", "/orders/{order}", self.delete),
            ("GET", "/faults", self.faults),
            ("POST", "/faults", self.add_fault),
            ("DELETE", "/faults", self.clear_faults),
            ("GET", "/settings", self.settings),
            ("POST", "/settings", self.change_settings),
            ("POST", "/clock", self.set_clock),
            ("GET", "/lives", self.lives),
            ("POST", "/lives", self.live_slowly),
            ("GET", "/log", self.log),
            ("DELETE", "/log", self.clear_log),
            ("POST", "/tokens/expire", self.expire_tokens),
            ("POST", "/bucket/drain", self.drain_bucket),
            ("GET", "/catalog", self.catalogue),
        )
        return [Route(path, self._handler(act), methods=[verb]) for verb, path, act in table]

    def _handler(self, act: Callable[[dict[str, Any]], Any]) -> _Handler:
        async def handle(request: Request) -> Response:
            body = await request.body()
            try:
                posted = orjson.loads(body) if body else {}
                given = {**dict(request.query_params), **posted, **request.path_params}
                with self._store.lock:
                    return _answer(act(given))
            except (orjson.JSONDecodeError, InvalidOperation, ValueError, TypeError) as error:
                return _answer({"error": str(error)}, 400)
            except KeyError as error:
                return _answer({"error": f"unknown: {error}"}, 404)

        return handle

    def orders(self, given: dict[str, Any]) -> Any:
        """List the truth about the orders; `created_from` and `created_before` cut a window.

        Args:
            given: `created_from` and `created_before`, ISO 8601; either may be missing.

        Returns:
            Under `orders`, one entry an order with its totals.
        """
        rows = totals_of(self._store)
        first, before = given.get("created_from", ""), given.get("created_before", "~")
        return {"orders": [row for row in rows if first <= row["created_at"] < before]}

    def add(self, given: dict[str, Any]) -> Any:
        """Add an order: an awkward `case` or an ordinary one, placed `at` or now.

        Args:
            given: `case`, one of ``CASES``; `at`, ISO 8601.

        Returns:
            The order as the shop counts it now; amounts in shop currency.

        Raises:
            Refusal: The shop was not seeded.
            KeyError: There is no such case.
        """
        maker = self._store.maker
        if maker is None:
            raise Refusal("this shop was not seeded")
        at = self._time(given)
        maker.until = max(maker.until, self._store.clock.now(), at)
        case = given.get("case", "ordinary")
        order: Order = maker.ordinary(at) if case == "ordinary" else CASES[case](maker, at)
        order.case = case
        self._store.put(order)
        return self._state(order)

    def touch(self, given: dict[str, Any]) -> Any:
        """Make a new version of an order without changing its money.

        Args:
            given: `order`, a number or id; `tag` and `note` to set; `at`, ISO 8601.

        Returns:
            The order as the shop counts it now; amounts in shop currency.

        Raises:
            KeyError: There is no such `order`.
        """
        order = self._order(given)
        if "tag" in given:
            order.tags.append(str(given["tag"]))
        if "note" in given:
            order.note = str(given["note"])
        return self._changed(order, given, lambda at: amend.touch(order, at))

    def edit(self, given: dict[str, Any]) -> Any:
        """Add a `sku` with a `quantity`, or take units (`quantity`) off line number `remove`.

        Args:
            given: `order`; what to add or take off; `settle`, false to leave it unpaid; `at`.

        Returns:
            The order as the shop counts it now; amounts in shop currency.

        Raises:
            Refusal: There is no such line or sku.
            KeyError: There is no such `order`.
        """
        order, quantity = self._order(given), int(given.get("quantity", 1))

        def change(at: datetime) -> None:
            if "remove" in given:
                amend.remove(order, self._line(order, given["remove"]), quantity, at)
            else:
                variant = next(v for v in catalog.VARIANTS if v.sku == given.get("sku"))
                amend.add(order, self._store.ids, variant, quantity, at)
            if given.get("settle", True):
                amend.settle(order, self._store.ids, at)

        if "remove" not in given and given.get("sku") not in {v.sku for v in catalog.VARIANTS}:
            raise Refusal(f"no such sku: {given.get('sku')!r}")
        return self._changed(order, given, change)

    def cancel(self, given: dict[str, Any]) -> Any:
        """Cancel an order for a `reason`.

        Args:
            given: `order`, `reason`, `at`.

        Returns:
            The order as the shop counts it now; amounts in shop currency.

        Raises:
            Refusal: It is cancelled already.
            KeyError: There is no such `order`.
        """
        order, reason = self._order(given), str(given.get("reason", "CUSTOMER"))
        if order.cancelled_at:
            raise Refusal("the order is cancelled already")
        return self._changed(
            order, given, lambda at: amend.cancel(order, self._store.ids, at, reason)
        )

    def refund(self, given: dict[str, Any]) -> Any:
        """Refund `lines` ({line number: units}), `shipping`, and an amount `beyond` them.

        Args:
            given: `order`; what to refund, `beyond` in shop currency; `restock`, `note`, `at`.

        Returns:
            The order as the shop counts it now; amounts in shop currency.

        Raises:
            Refusal: There is no such line, or fewer units are left on it.
            KeyError: There is no such `order`.
        """
        order = self._order(given)
        wanted = given.get("lines", {})
        units = [(self._line(order, number), int(count)) for number, count in wanted.items()]
        for line, count in units:
            if not 0 < count <= line.current:
                raise Refusal(f"cannot refund {count} of {line.current} units")

        def change(at: datetime) -> None:
            amend.refund(
                order,
                self._store.ids,
                at,
                units,
                restock=str(given.get("restock", "RETURN")),
                shipping=bool(given.get("shipping", False)),
                beyond=Decimal(str(given.get("beyond", "0"))),
                note=given.get("note"),
            )

        return self._changed(order, given, change)

    def fulfill(self, given: dict[str, Any]) -> Any:
        """Ship what is open, or `share` units per line.

        Args:
            given: `order`, `share`, `at`.

        Returns:
            The order as the shop counts it now; amounts in shop currency.

        Raises:
            KeyError: There is no such `order`.
        """
        order, share = self._order(given), given.get("share")
        units = None if share is None else int(share)
        return self._changed(
            order, given, lambda at: amend.fulfill(order, self._store.ids, at, share=units)
        )

    def delete(self, given: dict[str, Any]) -> Any:
        """Delete an order from the shop.

        Args:
            given: `order`.

        Returns:
            Its id under `deleted`.

        Raises:
            KeyError: There is no such `order`.
        """
        order = self._order(given)
        self._store.remove(order.gid)
        return {"deleted": order.gid}

    def faults(self, _given: dict[str, Any]) -> Any:
        """List the faults that wait, and every kind there is.

        Returns:
            `waiting`, oldest first, and `kinds` with what each does.
        """
        return {"waiting": [asdict(row) for row in self._sandbox.faults.waiting()], "kinds": KINDS}

    def add_fault(self, given: dict[str, Any]) -> Any:
        """Switch a fault on.

        Args:
            given: `kind`, `times`, `match` and `after` of the fault.

        Returns:
            The fault.

        Raises:
            ValueError: There is no such kind.
        """
        fault = Fault(
            str(given.get("kind")),
            int(given.get("times", 1)),
            str(given.get("match", "")),
            int(given.get("after", 0)),
        )
        self._sandbox.faults.add(fault)
        return asdict(fault)

    def clear_faults(self, _given: dict[str, Any]) -> Any:
        """Switch every fault off."""
        self._sandbox.faults.clear()
        return {}

    def settings(self, _given: dict[str, Any]) -> Any:
        """Return the switches, without the secrets."""
        found = asdict(self._sandbox.settings)
        return {name: value for name, value in found.items() if name not in _SECRET}

    def change_settings(self, given: dict[str, Any]) -> Any:
        """Change switches by name.

        Args:
            given: Values by name.

        Returns:
            All switches, as ``settings`` gives them.

        Raises:
            Refusal: There is no such switch; none was changed.
        """
        settings = self._sandbox.settings
        for name in given:
            if not hasattr(settings, name):
                raise Refusal(f"no such setting: {name!r}")
        for name, value in given.items():
            setattr(settings, name, tuple(value) if isinstance(value, list) else value)
        return self.settings({})

    def set_clock(self, given: dict[str, Any]) -> Any:
        """Stop the clock at `now`, or let it run with null.

        Args:
            given: `now`, ISO 8601 or null.

        Returns:
            What the clock says.

        Raises:
            ValueError: It is no time.
        """
        text = given.get("now")
        self._store.clock.set(None if text is None else _moment(text))
        return {"now": instant(self._store.clock.now())}

    def lives(self, _given: dict[str, Any]) -> Any:
        """Tell what has happened in the shop, stretch by stretch of its time.

        Returns:
            `now`, and `chapters` with what happened `until` each time, counted by kind.
        """
        return {
            "now": instant(self._store.clock.now()),
            "chapters": [
                {"until": instant(chapter.until), "happened": dict(chapter.happened)}
                for chapter in self._store.timeline.chapters
            ],
        }

    def live_slowly(self, given: dict[str, Any]) -> Any:
        """Let a lively shop live from a time (`from`) just as far as it is asked about.

        Args:
            given: `from`, ISO 8601.

        Returns:
            `now`.

        Raises:
            Refusal: The shop has lived beyond that already.
        """
        at, lived = _moment(given["from"]), self._store.timeline.lived_until
        if lived is not None and lived > at:
            raise Refusal(f"the shop has lived until {instant(lived)}: no time goes back")
        self._store.clock.slow_from(at)
        self._store.asked_until(None)
        return {"now": instant(at)}

    def log(self, _given: dict[str, Any]) -> Any:
        """Return operation, status and cost of every request so far.

        Returns:
            Under `requests`, oldest first.
        """
        return {"requests": self._sandbox.log}

    def clear_log(self, _given: dict[str, Any]) -> Any:
        """Forget the requests so far."""
        self._sandbox.log.clear()
        return {}

    def expire_tokens(self, _given: dict[str, Any]) -> Any:
        """Expire every token that was granted."""
        self._sandbox.tokens.expire()
        return {}

    def drain_bucket(self, _given: dict[str, Any]) -> Any:
        """Empty the cost bucket, as another client of the same app may."""
        self._sandbox.executor.bucket.drain(self._sandbox.settings.bucket_size)
        return {}

    def catalogue(self, _given: dict[str, Any]) -> Any:
        """Return what the shop sells."""
        return catalog.as_document()

    def _order(self, given: dict[str, Any]) -> Order:
        text = str(given["order"])
        if text.isdigit() and int(text) > _LARGEST_NUMBER:
            return self._store.order(f"gid://shopify/Order/{text}")
        return self._store.by_name(text if not text.isdigit() else f"#{text}")

    @staticmethod
    def _line(order: Order, number: Any) -> Line:
        place = int(number)
        if not 0 <= place < len(order.lines):
            raise Refusal(f"the order has no line {place}")
        return order.lines[place]

    def _time(self, given: dict[str, Any]) -> datetime:
        text = given.get("at")
        return self._store.clock.now() if text is None else _moment(text)

    def _changed(
        self, order: Order, given: dict[str, Any], change: Callable[[datetime], None]
    ) -> Any:
        change(self._time(given))
        self._store.timeline.forget(order.gid)
        self._store.put(order)
        return self._state(order)

    def _state(self, order: Order) -> Any:
        return next(row for row in totals_of([order]))


_SECRET = ("client_secret", "static_tokens")


def _moment(text: object) -> datetime:
    moment = datetime.fromisoformat(str(text).replace("Z", "+00:00"))
    if moment.tzinfo is None:
        raise Refusal(f"{text!r} has no time zone")
    return moment.replace(microsecond=0)


def control_routes(sandbox: Sandbox) -> list[Route]:
    """Return the routes of the control interface.

    Args:
        sandbox: What is controlled.
    """
    return Control(sandbox).routes()
