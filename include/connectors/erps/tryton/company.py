"""What a Tryton company is set up with, read once: shop, warehouses, taxes, products, periods."""

from __future__ import annotations

import threading
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Any, TypeVar

from include.connectors.erps.tryton.rpc import TrytonClient
from include.connectors.erps.tryton.settings import TrytonSettings
from include.domain.errors import ConfigurationError, Refused

T = TypeVar("T")

GOODS = frozenset({"goods", "assets"})


@dataclass(frozen=True, slots=True)
class Product:
    """A product as documents need it.

    Attributes:
        id: Record.
        code: Its code.
        unit: Its default unit.
        account: Account its revenue is booked on.
        is_stocked: Whether Tryton keeps it in stock.
    """

    id: int
    code: str
    unit: int
    account: int
    is_stocked: bool


@dataclass(frozen=True, slots=True)
class Tax:
    """A tax: its rate as a fraction and the accounts it is booked on."""

    id: int
    rate: Decimal
    invoice_account: int
    credit_account: int


@dataclass(frozen=True, slots=True)
class PaymentMethod:
    """A payment method: its journal and the clearing account money comes to and goes from."""

    journal: int
    debit_account: int
    credit_account: int


@dataclass(frozen=True, slots=True)
class Warehouse:
    """A warehouse and where its goods lie."""

    id: int
    storage: int


@dataclass(frozen=True, slots=True)
class Company:
    """Records that every document refers to."""

    id: int
    currency: int
    currency_code: str
    shop: int
    journal: int
    receivable: int
    revenue: int | None
    payment_term: int | None
    warehouses: Mapping[str, Warehouse]
    taxes: Mapping[str, Tax]
    methods: Mapping[str, PaymentMethod]
    accounts: Mapping[str, int]
    countries: Mapping[str, int]


class CompanyBook:
    """Reads the company's set-up when it is first needed and keeps it.

    Args:
        client: The session.
        settings: Names of what to look for.
    """

    def __init__(self, client: TrytonClient, settings: TrytonSettings) -> None:
        self.client = client
        self.settings = settings
        self._lock = threading.Lock()
        self._company: Company | None = None
        self._products: dict[str, Product | None] = {}
        self._periods: list[dict[str, Any]] = []
        self._services: dict[str, int] = {}

    @property
    def company(self) -> Company:
        """The company; read once.

        Raises:
            ConfigurationError: One message that names every missing thing.
        """
        with self._lock:
            if self._company is None:
                self._company = self._read()
            return self._company

    def missing(self, services: Iterable[str]) -> list[str]:
        """Read everything afresh and say what the settings name and Tryton lacks.

        Args:
            services: Product codes of charges.
        """
        with self._lock:
            self._company = None
            self._products.clear()
            self._periods.clear()
        try:
            _ = self.company
            found: list[str] = []
        except _Lacking as error:
            found = list(error.things)
        wanted = list(dict.fromkeys(services))
        known = self.products(wanted)
        found += [f"product {code} (charge map)" for code in wanted if code not in known]
        if self.settings.guest_customer is not None:
            code = self.settings.guest_customer
            if not self.client.search("party.party", [["code", "=", code]], ["id"], limit=1):
                found.append(f"party {code} (guest_customer)")
        return found

    def products(self, codes: Iterable[str]) -> dict[str, Product]:
        """Return the products of codes; one that is unknown is left out.

        Args:
            codes: Product codes.
        """
        wanted = set(codes)
        unread = [code for code in wanted if self._products.get(code) is None]
        if unread:
            found = self._read_products(sorted(unread))
            with self._lock:
                self._products.update(found)
        return {
            code: product for code in wanted if (product := self._products.get(code)) is not None
        }

    def product(self, code: str) -> Product:
        """Return one product.

        Raises:
            Refused: Tryton has no product of the code.
        """
        found = self.products([code]).get(code)
        if found is None:
            raise Refused(
                f"Tryton has no product with the code {code!r}: create it, or add a row to the "
                "sku map",
                rule="product_exists",
                field="code",
            )
        return found

    def tax(self, name: str) -> Tax:
        """Return a tax by its name.

        Raises:
            Refused: There is none.
        """
        return _known(self.company.taxes, name, "tax")

    def method(self, name: str) -> PaymentMethod:
        """Return a payment method by its name.

        Raises:
            Refused: There is none.
        """
        return _known(self.company.methods, name, "payment method")

    def warehouse(self, code: str) -> Warehouse:
        """Return a warehouse by its code.

        Raises:
            Refused: There is none.
        """
        return _known(self.company.warehouses, code, "warehouse")

    def period(self, day: date) -> int:
        """Return the open period of a day.

        Raises:
            Refused: There is none, or it is closed.
        """
        for attempt in range(2):
            for period in self._open_periods(afresh=bool(attempt)):
                if period["start_date"] <= day <= period["end_date"]:
                    return int(period["id"])
        raise Refused(
            f"no fiscal period of Tryton is open on {day}: open one",
            rule="period_open",
            field="period",
        )

    def fiscal_year(self, day: date) -> int:
        """Return the fiscal year of a day in an open period."""
        wanted = self.period(day)
        found = next(period for period in self._open_periods() if period["id"] == wanted)
        return int(found["fiscalyear"])

    def first_open_on(self, day: date) -> date | None:
        """Return the day, or the first day of the next open period; ``None`` if there is none."""
        periods = self._open_periods(afresh=True)
        starts = [max(day, p["start_date"]) for p in periods if p["end_date"] >= day]
        return min(starts, default=None)

    def _open_periods(self, *, afresh: bool = False) -> list[dict[str, Any]]:
        company = self.company.id
        if afresh or not self._periods:
            self._periods = self.client.search(
                "account.period",
                [
                    ["company", "=", company],
                    ["type", "=", "standard"],
                    ["state", "=", "open"],
                ],
                ["start_date", "end_date", "fiscalyear"],
                order=[("start_date", "ASC")],
            )
        return self._periods

    def _read(self) -> Company:
        lacking: list[str] = []
        settings, search = self.settings, self.client.search

        def one(model: str, name: str, value: str, what: str, fields: list[str]) -> dict[str, Any]:
            found = search(model, [[name, "=", value]], fields, limit=1)
            if not found:
                lacking.append(f"{what} {value}")
            return found[0] if found else {}

        shop = one("web.shop", "name", settings.web_shop, "web shop", ["company", "currency"])
        journal = one("account.journal", "code", settings.revenue_journal, "journal", ["id"])
        term: dict[str, Any] = {}
        if settings.payment_term is not None:
            model = "account.invoice.payment_term"
            term = one(model, "name", settings.payment_term, "payment term", ["id"])
        (rules,) = self.client.read(
            "account.configuration",
            [1],
            ["default_account_receivable", "default_category_account_revenue", "tax_rounding"],
        )
        if rules["default_account_receivable"] is None:
            lacking.append("a default account receivable")
        if rules["tax_rounding"] != "line":
            lacking.append("the tax rounding 'per line', which is the store's")
        warehouses = self._warehouses()
        if settings.default_warehouse not in warehouses:
            lacking.append(f"warehouse {settings.default_warehouse}")
        accounts = self._owed_accounts()
        lacking += [
            f"account {code} (owed_accounts)"
            for code in settings.owed_accounts.values()
            if code not in accounts
        ]
        search("sale.amendment", [], ["id"], limit=1)
        if lacking:
            raise _Lacking(lacking)
        (books,) = self.client.read("company.company", [shop["company"]], ["currency"])
        if books["currency"] != shop["currency"]:
            raise _Lacking(["a web shop in the company's own currency"])
        currency = self.client.read("currency.currency", [shop["currency"]], ["code"])[0]
        return Company(
            id=shop["company"],
            currency=shop["currency"],
            currency_code=currency["code"],
            shop=shop["id"],
            journal=journal["id"],
            receivable=rules["default_account_receivable"],
            revenue=rules["default_category_account_revenue"],
            payment_term=term.get("id"),
            warehouses=warehouses,
            taxes=self._taxes(shop["company"]),
            methods=self._methods(shop["company"]),
            accounts=accounts,
            countries={row["code"]: row["id"] for row in search("country.country", [], ["code"])},
        )

    def _warehouses(self) -> dict[str, Warehouse]:
        rows = self.client.search(
            "stock.location", [["type", "=", "warehouse"]], ["code", "storage_location"]
        )
        return {
            row["code"]: Warehouse(row["id"], row["storage_location"])
            for row in rows
            if row["code"]
        }

    def _taxes(self, company: int) -> dict[str, Tax]:
        rows = self.client.search(
            "account.tax",
            [["company", "=", company], ["type", "=", "percentage"], ["parent", "=", None]],
            ["name", "rate", "invoice_account", "credit_note_account"],
        )
        return {
            row["name"]: Tax(
                row["id"], row["rate"], row["invoice_account"], row["credit_note_account"]
            )
            for row in rows
        }

    def _methods(self, company: int) -> dict[str, PaymentMethod]:
        rows = self.client.search(
            "account.invoice.payment.method",
            [["company", "=", company]],
            ["name", "journal", "debit_account", "credit_account"],
        )
        return {
            row["name"]: PaymentMethod(row["journal"], row["debit_account"], row["credit_account"])
            for row in rows
        }

    def _owed_accounts(self) -> dict[str, int]:
        codes = sorted(set(self.settings.owed_accounts.values()))
        if not codes:
            return {}
        rows = self.client.search("account.account", [["code", "in", codes]], ["code"])
        return {row["code"]: row["id"] for row in rows}

    def _read_products(self, codes: list[str]) -> dict[str, Product]:
        company = self.company
        category = "account_category"
        rows = self.client.search(
            "product.product",
            [["code", "in", codes]],
            [
                *("code", "type", "default_uom", f"{category}.account_revenue"),
                *(f"{category}.account_parent", f"{category}.parent.account_revenue"),
            ],
        )
        found = {}
        for row in rows:
            of_category = row.get(f"{category}.") or {}
            if of_category.get("account_parent"):
                of_category = of_category.get("parent.") or {}
            account = of_category.get("account_revenue") or company.revenue
            if account is None:
                continue
            found[row["code"]] = Product(
                id=row["id"],
                code=row["code"],
                unit=row["default_uom"],
                account=account,
                is_stocked=row["type"] in GOODS,
            )
        return found


class _Lacking(ConfigurationError):
    """The company lacks what the settings name."""

    def __init__(self, things: list[str]) -> None:
        super().__init__(f"Tryton lacks what the channel names: {'; '.join(things)}")
        self.things = things


def _known(found: Mapping[str, T], name: str, what: str) -> T:
    try:
        return found[name]
    except KeyError:
        raise Refused(
            f"Tryton has no {what} {name!r}: create it, or change the map's row",
            rule=f"{what.replace(' ', '_')}_exists",
            field="name",
        ) from None
