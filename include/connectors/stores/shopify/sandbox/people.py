"""Made-up customers of the shop, with addresses; nobody here exists."""

from __future__ import annotations

import random
from typing import Any

from include.connectors.stores.shopify.sandbox.catalog import STATES, Place

_FIRST = ("Ada", "Ben", "Carla", "Dmitri", "Elena", "Farid", "Grace", "Hiro", "Ines", "Jonas",
          "Keisha", "Liam", "Mara", "Nadia", "Owen", "Priya", "Quinn", "Rosa", "Sami", "Tess",
          "Uma", "Victor", "Wren", "Ximena", "Yusuf", "Zoë")  # fmt: skip
_LAST = ("Abbott", "Barlow", "Castellan", "Dunmore", "Eastman", "Fairweather", "Greenleaf",
         "Holloway", "Ito", "Jankowski", "Kettering", "Lindqvist", "Marchetti", "Northcott",
         "Okafor", "Pemberton", "Quimby", "Rosenthal", "Sandoval", "Thornbury", "Underhill",
         "Vasquez", "Whitlock", "Yarrow", "Zimmer")  # fmt: skip
_STREETS = ("Alder St", "Birch Ave", "Cedar Ln", "Dock Rd", "Elm St", "Foundry Way", "Garden Ct",
            "Harbor Blvd", "Ivy Pl", "Juniper Dr", "Mill St", "Orchard Rd", "Pine St")  # fmt: skip

Address = dict[str, Any]


def address(first: str, last: str, place: Place, chance: random.Random) -> Address:
    """Return an address in a place.

    Args:
        first: First name.
        last: Last name.
        place: Where it is.
        chance: Source of chance.
    """
    town, code = chance.choice(place.towns)
    flat = chance.choice((None, None, f"Apt {chance.randint(1, 40)}"))
    phone = f"+1555{chance.randint(1_000_000, 9_999_999)}" if chance.random() < 0.6 else None  # noqa: PLR2004
    return {
        "firstName": first,
        "lastName": last,
        "name": f"{first} {last}",
        "company": None,
        "address1": f"{chance.randint(1, 980)} {chance.choice(_STREETS)}",
        "address2": flat,
        "city": town,
        "province": place.name or None,
        "provinceCode": place.code or None,
        "country": place.country_name,
        "countryCodeV2": place.country,
        "zip": code,
        "phone": phone,
        "formattedArea": f"{town}, {place.country_name}",
        "formatted": [f"{first} {last}", town, place.country_name],
        "coordinatesValidated": False,
    }


class Crowd:
    """The customers of one shop.

    Args:
        chance: Source of chance.
        size: How many there are.
    """

    def __init__(self, chance: random.Random, size: int) -> None:
        self.records: dict[str, dict[str, Any]] = {}
        self._places: dict[str, Place] = {}
        for number in range(1, size + 1):
            first, last = chance.choice(_FIRST), chance.choice(_LAST)
            self.add(number, first, last, chance.choice(STATES), chance)
        self._ids = list(self.records)

    def add(self, number: int, first: str, last: str, place: Place, chance: random.Random) -> str:
        """Add a customer and return the global id."""
        gid = f"gid://shopify/Customer/{7_200_000_000_000 + number * 32_768}"
        mail = f"{first}.{last}.{number}@example.com".lower().encode("ascii", "ignore").decode()
        home = address(first, last, place, chance)
        self._places[gid] = place
        self.records[gid] = {
            "__typename": "Customer",
            "id": gid,
            "legacyResourceId": gid.rsplit("/", 1)[1],
            "firstName": first,
            "lastName": last,
            "displayName": f"{first} {last}",
            "email": mail,
            "phone": home["phone"],
            "defaultEmailAddress": {
                "emailAddress": mail,
                "marketingState": chance.choice(("SUBSCRIBED", "NOT_SUBSCRIBED")),
                "validFormat": True,
            },
            "defaultPhoneNumber": (
                {"phoneNumber": home["phone"], "marketingState": "NOT_SUBSCRIBED"}
                if home["phone"]
                else None
            ),
            "defaultAddress": {
                "__typename": "MailingAddress",
                "id": f"gid://shopify/MailingAddress/{number}",
                **home,
            },
            "addressesV2": [],
            "locale": "en",
            "state": "ENABLED",
            "tags": [],
            "taxExempt": False,
            "taxExemptions": [],
            "verifiedEmail": True,
            "numberOfOrders": "1",
            "createdAt": "2025-01-07T10:00:00Z",
            "updatedAt": "2026-10-02T09:00:00Z",
            "metafields": [],
        }
        return gid

    def pick(self, chance: random.Random) -> tuple[str, Place]:
        """Return a customer and where they live."""
        gid = chance.choice(self._ids)
        return gid, self._places[gid]
