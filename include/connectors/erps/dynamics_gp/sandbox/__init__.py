"""A Dynamics GP company database on PostgreSQL: GP's tables, eConnect's procedures, its refusals.

Written from the vendor's published parameters and the rules people report, not from our client.
"""

from __future__ import annotations

LAID_OUT_BY = ("sql/*.sql",)
