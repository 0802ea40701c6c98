"""What a connector is known to get wrong: said in its README, shown in the table."""

from __future__ import annotations

GAPS = {
    ("tryton", "edited_after_a_broken_chain"): (
        "an order that is edited down after its goods left and before its invoice was posted is "
        "held for a person (not_below_shipped)"
    ),
}
"""Connector and scenario to what happens instead."""

HELD_BY = {"tryton": "not_below_shipped"}
"""Connector to the rule under which its gap holds orders."""
