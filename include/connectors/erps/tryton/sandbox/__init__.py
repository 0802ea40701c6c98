"""A real Tryton server for tests and demonstrations: set up and driven over JSON-RPC only."""

from __future__ import annotations

# Installing Tryton and setting a company up takes a minute: `make run ERP=tryton` asks for it.
ON_REQUEST = True
# It takes a second and more for an order with its invoice and shipment.
ORDERS_A_DAY = 40
LAID_OUT_BY = ("company.py", "requirements.lock")
