"""Tryton: sales, shipments, invoices and payments over JSON-RPC. Settings and limits: README.md."""

from __future__ import annotations

from include.connectors.erps.tryton.settings import TrytonSettings

SETTINGS = TrytonSettings
REMOTE = "http"
