"""Sets a company up in an empty Tryton database, over JSON-RPC as an administrator would.

Chart of accounts, fiscal years, taxes, products, warehouses, stock, payment methods, the web shop
and a user of our own: what the assortment of a shop needs, in Tryton's terms.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import date
from decimal import Decimal
from itertools import pairwise
from typing import Any

from include.connectors.erps.tryton.rpc import TrytonClient
from include.domain.money import exponent, minor_unit
from include.sandbox.assortment import Assortment

SHOP = "Web shop"
USER = "counterfoil"
GUESTS = "WEBGUEST"
PAYMENTS_JOURNAL = "CASH"
CHART = "Universal Chart of Accounts"
GROUPS = ("Sales", "Sale Amendment", "Stock", "Accounting", "Party Administration")
COUNTRIES = {
    "AU": "Australia",
    "BR": "Brazil",
    "CA": "Canada",
    "DE": "Germany",
    "EG": "Egypt",
    "FR": "France",
    "GB": "United Kingdom",
    "JP": "Japan",
    "US": "United States",
}
# Kind of charge to code, name and account of the service that stands for it.
SERVICES = {
    "shipping": ("SHIPPING", "Shipping", "revenue"),
    "tip": ("TIP", "Tip", "revenue"),
    "duty": ("DUTY", "Duties", "revenue"),
    "fee": ("FEE", "Fee", "revenue"),
    "cod_fee": ("COD-FEE", "Cash on delivery fee", "revenue"),
    "gift_wrap": ("GIFT-WRAP", "Gift wrap", "revenue"),
    "gift_card": ("GIFT-CARD", "Gift card sold", "gift cards"),
    "custom": ("CUSTOM", "Custom item", "revenue"),
    "rounding": ("ROUNDING", "Cash rounding", "rounding"),
    "adjustment": ("ADJUSTMENT", "Adjustment", "revenue"),
    "concession": ("CONCESSION", "Concession", "concessions"),
    "fx": ("FX", "Exchange difference", "exchange"),
    "tax_difference": ("TAX-DIFFERENCE", "Tax difference to the shop", "rounding"),
}
GIFT_CARD_GATEWAY = "gift_card"
GIFT_CARDS_OWED = "2.9.1"
# Name of an account of ours: its code, what it is called, and whose type it shares.
ACCOUNTS = {
    "gift cards": ("4.9.4", "Gift cards sold, passed on to what is owed", "revenue"),
    "gift cards owed": (GIFT_CARDS_OWED, "Gift cards not redeemed yet", "tax"),
    "sales tax": ("2.9.2", "Sales tax to remit", "tax"),
    "concessions": ("4.9.1", "Concessions", "revenue"),
    "rounding": ("4.9.2", "Rounding differences", "revenue"),
    "exchange": ("4.9.3", "Exchange differences", "revenue"),
}


def warehouse_codes(assortment: Assortment) -> dict[str, str]:
    """Return the code of the warehouse that each location of the shop is.

    Args:
        assortment: What the shop sells, and where.
    """
    codes = {}
    for at, location_id in enumerate(assortment.locations):
        codes[location_id] = "WH" if at == 0 else f"WH{at + 1}"
    return codes


def method_name(gateway: str) -> str:
    """Return what the payment method of a gateway is called."""
    return gateway.replace("_", " ").title()


def maps(assortment: Assortment) -> dict[str, dict[str, str]]:
    """Return the rows of every map: store value to Tryton's, by kind.

    Args:
        assortment: What the shop sells, and how it is paid.
    """
    return {
        "payment": {gateway: method_name(gateway) for gateway in assortment.gateways},
        "tax": {title: title for title in assortment.taxes},
        "location": warehouse_codes(assortment),
        "charge": {kind: code for kind, (code, _, _) in SERVICES.items()},
    }


class CompanySetup:
    """One set-up of one database.

    Args:
        client: A session of an administrator.
        assortment: What the shop sells.
        years: Calendar years that get a fiscal year each.
    """

    def __init__(self, client: TrytonClient, assortment: Assortment, years: Iterable[int]) -> None:
        self.client = client
        self.assortment = assortment
        self.years = tuple(years)
        self.company = 0
        self.currency = 0
        self.accounts: dict[str, int] = {}
        self.types: dict[str, int] = {}

    def run(self, password: str) -> None:
        """Set everything up.

        Args:
            password: Of the user that the connector logs in as.
        """
        self._company()
        self._chart()
        self._fiscal_years()
        self._countries()
        self._taxes()
        self._payment_methods()
        categories = self._categories()
        products = self._products(categories)
        warehouses = self._warehouses()
        self._shop(list(warehouses.values()))
        self._stock(products, warehouses)
        self._guests()
        self._plain_invoices()
        self._user(password)

    def _one(
        self, model: str, domain: list[Any], fields: Iterable[str] = ("id",)
    ) -> dict[str, Any]:
        found = self.client.search(model, domain, list(fields), limit=1)
        if not found:
            raise LookupError(f"Tryton has no {model} with {domain}")
        return found[0]

    def _company(self) -> None:
        code = self.assortment.currency
        (self.currency,) = self.client.create(
            "currency.currency",
            [
                {
                    "name": code,
                    "code": code,
                    "symbol": code,
                    "rounding": minor_unit(code),
                    "digits": exponent(code),
                    "rates": [["create", [{"date": date(2000, 1, 1), "rate": Decimal(1)}]]],
                }
            ],
        )
        (party,) = self.client.create("party.party", [{"name": "Sandbox company", "addresses": []}])
        (self.company,) = self.client.create(
            "company.company", [{"party": party, "currency": self.currency}]
        )
        values = {"companies": [["add", [self.company]]], "company": self.company}
        self.client.write("res.user", [self.client.user_id], values)
        self.client.forget_login()

    def _chart(self) -> None:
        template = self._one("account.account.template", [["name", "=", CHART]])["id"]
        wizard, _, _ = self.client.write_call("wizard.account.create_chart.create")
        account = {"account_template": template, "company": self.company}
        execute = "wizard.account.create_chart.execute"
        self.client.write_call(execute, wizard, {"account": account}, "create_account")
        for kind in ("receivable", "payable", "revenue", "expense"):
            found = self._one(
                "account.account",
                [[f"type.{kind}", "=", True], ["closed", "!=", True]],
                ["id", "type"],
            )
            self.accounts[kind], self.types[kind] = found["id"], found["type"]
        for kind, code in (("cash", "1.1.1"), ("tax", "6.3.6")):
            found = self._one("account.account", [["code", "=", code]], ["id", "type"])
            self.accounts[kind], self.types[kind] = found["id"], found["type"]
        properties = {
            "company": self.company,
            "account_receivable": self.accounts["receivable"],
            "account_payable": self.accounts["payable"],
            "category_account_revenue": self.accounts["revenue"],
            "category_account_expense": self.accounts["expense"],
        }
        given = {"account": account, "properties": properties}
        self.client.write_call(execute, wizard, given, "create_properties")
        self.client.write_call("wizard.account.create_chart.delete", wizard)
        made = self.client.create(
            "account.account",
            [
                {
                    "code": code,
                    "name": name,
                    "type": self.types[like],
                    "company": self.company,
                }
                for code, name, like in ACCOUNTS.values()
            ],
        )
        self.accounts |= dict(zip(ACCOUNTS, made, strict=True))
        self.client.write("account.configuration", [1], {"tax_rounding": "line"})

    def _fiscal_years(self) -> None:
        types = {
            name: self._one("ir.sequence.type", [["name", "=", name]])["id"]
            for name in ("Account Move", "Invoice")
        }
        for year in self.years:
            moves, invoices, notes = self.client.create(
                "ir.sequence.strict",
                [
                    {
                        "name": f"{name} {year}",
                        "sequence_type": types[kind],
                        "company": self.company,
                        "prefix": prefix,
                        "padding": 5,
                    }
                    for name, kind, prefix in (
                        ("Moves", "Account Move", f"{year}/"),
                        ("Invoices", "Invoice", f"INV{year}-"),
                        ("Credit notes", "Invoice", f"CRN{year}-"),
                    )
                ],
            )
            numbered = {
                "company": self.company,
                "out_invoice_sequence": invoices,
                "in_invoice_sequence": invoices,
                "out_credit_note_sequence": notes,
                "in_credit_note_sequence": notes,
            }
            (made,) = self.client.create(
                "account.fiscalyear",
                [
                    {
                        "name": str(year),
                        "company": self.company,
                        "start_date": date(year, 1, 1),
                        "end_date": date(year, 12, 31),
                        "move_sequence": moves,
                        "invoice_sequences": [["create", [numbered]]],
                    }
                ],
            )
            starts = [date(year, month, 1) for month in range(1, 13)] + [date(year + 1, 1, 1)]
            self.client.create(
                "account.period",
                [
                    {
                        "name": f"{start:%Y-%m}",
                        "fiscalyear": made,
                        "type": "standard",
                        "start_date": start,
                        "end_date": date.fromordinal(after.toordinal() - 1),
                    }
                    for start, after in pairwise(starts)
                ],
            )

    def _countries(self) -> None:
        self.client.create(
            "country.country", [{"code": code, "name": name} for code, name in COUNTRIES.items()]
        )

    def _taxes(self) -> None:
        account = self.accounts["sales tax"]
        self.client.create(
            "account.tax",
            [
                {
                    "name": title,
                    "description": title,
                    "type": "percentage",
                    "rate": rate,
                    "company": self.company,
                    "invoice_account": account,
                    "credit_note_account": account,
                }
                for title, rate in self.assortment.taxes.items()
            ],
        )

    def _payment_methods(self) -> None:
        journal = self._one("account.journal", [["code", "=", PAYMENTS_JOURNAL]])["id"]
        accounts = self.client.create(
            "account.account",
            [
                {
                    "code": f"1.9.{at}",
                    "name": f"{method_name(gateway)} clearing",
                    "type": self.types["cash"],
                    "company": self.company,
                }
                for at, gateway in enumerate(self.assortment.gateways, start=1)
            ],
        )
        clearing = dict(zip(self.assortment.gateways, accounts, strict=True))
        # Who pays by gift card redeems what the shop owes.
        clearing[GIFT_CARD_GATEWAY] = self.accounts["gift cards owed"]
        self.client.create(
            "account.invoice.payment.method",
            [
                {
                    "name": method_name(gateway),
                    "company": self.company,
                    "journal": journal,
                    "debit_account": account,
                    "credit_account": account,
                }
                for gateway, account in clearing.items()
            ],
        )

    def _categories(self) -> dict[str, int]:
        kinds = dict.fromkeys(["revenue", *(account for _, _, account in SERVICES.values())])
        made = self.client.create(
            "product.category",
            [
                {
                    "name": f"Booked on {kind}",
                    "accounting": True,
                    "account_revenue": self.accounts[kind],
                    "account_expense": self.accounts["expense"],
                }
                for kind in kinds
            ],
        )
        return dict(zip(kinds, made, strict=True))

    def _products(self, categories: Mapping[str, int]) -> dict[str, int]:
        unit = self._one("product.uom", [["name", "=", "Unit"]])["id"]

        def template(code: str, name: str, kind: str, price: Decimal, account: str) -> Any:
            return {
                "name": name,
                "type": kind,
                "default_uom": unit,
                "salable": True,
                "sale_uom": unit,
                "list_price": price,
                "account_category": categories[account],
                "products": [["create", [{"suffix_code": code}]]],
            }

        goods = [
            template(
                item.sku, item.title, "goods" if item.stocked else "service", item.price, "revenue"
            )
            for item in self.assortment.items
        ]
        services = [
            template(code, name, "service", Decimal(0), account)
            for code, name, account in SERVICES.values()
        ]
        self.client.create("product.template", goods + services)
        return {
            row["code"]: row["id"] for row in self.client.search("product.product", [], ["code"])
        }

    def _warehouses(self) -> dict[str, int]:
        """Name the first warehouse after the shop's first location, and add the others."""
        first, *others = self.assortment.locations.items()
        codes = warehouse_codes(self.assortment)
        main = self._one(
            "stock.location", [["type", "=", "warehouse"]], ["id", "lost_found_location"]
        )
        self.client.write(
            "stock.location", [main["id"]], {"name": first[1], "code": codes[first[0]]}
        )
        found = {first[0]: main["id"]}
        for location_id, name in others:
            code = codes[location_id]
            inside = self.client.create(
                "stock.location",
                [
                    {"name": f"{name}: {part}", "code": f"{code}-{part[:3].upper()}", "type": kind}
                    for part, kind in (
                        ("input", "storage"),
                        ("output", "storage"),
                        ("storage", "storage"),
                    )
                ],
            )
            (made,) = self.client.create(
                "stock.location",
                [
                    {
                        "name": name,
                        "code": code,
                        "type": "warehouse",
                        "input_location": inside[0],
                        "output_location": inside[1],
                        "storage_location": inside[2],
                        "lost_found_location": main["lost_found_location"],
                    }
                ],
            )
            self.client.write("stock.location", inside, {"parent": made})
            found[location_id] = made
        return found

    def _shop(self, warehouses: list[int]) -> None:
        self.client.create(
            "web.shop",
            [
                {
                    "name": SHOP,
                    "company": self.company,
                    "currency": self.currency,
                    "warehouses": [["add", warehouses]],
                }
            ],
        )

    def _stock(self, products: Mapping[str, int], warehouses: Mapping[str, int]) -> None:
        for location_id, warehouse in warehouses.items():
            (place,) = self.client.read("stock.location", [warehouse], ["storage_location"])
            counted = {
                products[item.sku]: item.units[location_id]
                for item in self.assortment.items
                if item.units.get(location_id)
            }
            count_stock(self.client, self.company, place["storage_location"], counted)

    def _guests(self) -> None:
        self.client.create(
            "party.party",
            [
                {
                    "name": "Web guests",
                    "code": GUESTS,
                    "addresses": [["create", [{"city": "Unknown"}]]],
                }
            ],
        )

    def _plain_invoices(self) -> None:
        """Have invoices printed as a line of text: Tryton prints each when it is posted."""
        named = [["report_name", "=", "account.invoice"]]
        reports = self.client.search("ir.action.report", named, ["id"])
        self.client.write(
            "ir.action.report",
            [row["id"] for row in reports],
            {
                "template_extension": "txt",
                "extension": "",
                "report_content_custom": b"Invoice ${records[0].number}",
            },
        )

    def _user(self, password: str) -> None:
        groups = self.client.search("res.group", [["name", "in", list(GROUPS)]], ["id"])
        self.client.create(
            "res.user",
            [
                {
                    "name": "Counterfoil",
                    "login": USER,
                    "password": password,
                    "companies": [["add", [self.company]]],
                    "company": self.company,
                    "groups": [["add", [row["id"] for row in groups]]],
                }
            ],
        )


def count_stock(
    client: TrytonClient, company: int, location: int, counted: Mapping[int, Decimal]
) -> None:
    """Enter a stock count: so many units of each product are in a location.

    Args:
        client: A session of an administrator.
        company: Whose stock it is.
        location: Storage location.
        counted: Units by product.
    """
    lines = [{"product": product, "quantity": float(units)} for product, units in counted.items()]
    (count,) = client.create(
        "stock.inventory",
        [
            {
                "location": location,
                "company": company,
                "date": date.today(),  # noqa: DTZ011  the server's own calendar
                "empty_quantity": None,
                "lines": [["create", lines]],
            }
        ],
    )
    client.press("stock.inventory", "confirm", [count])
