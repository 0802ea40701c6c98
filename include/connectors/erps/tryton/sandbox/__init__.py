"""A real Tryton server for tests and demonstrations: set up and driven over JSON-RPC only."""

from __future__ import annotations

# Installing Tryton and setting a company up takes a minute: `make run ERP=tryton` asks for it.
ON_REQUEST = True
# An order with its invoice and shipment keeps a processor busy for two seconds, the longest of the
# awkward ones for fifteen: three days hold each kind.
ORDERS_A_DAY = 24
AWKWARD_A_DAY = 18
LAID_OUT_BY = ("company.py", "requirements.lock")
