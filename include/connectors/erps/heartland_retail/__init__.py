"""Heartland Retail: orders, invoices and return tickets through its REST API. See README.md."""

from __future__ import annotations

from include.connectors.erps.heartland_retail.settings import HeartlandRetailSettings

SETTINGS = HeartlandRetailSettings
REMOTE = "http"
