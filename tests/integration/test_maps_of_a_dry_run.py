"""A dry run reads the maps as their files say and leaves the staging database as it was."""

from __future__ import annotations

from sqlalchemy import text

from include.orchestration.bootstrap import maps_of
from include.staging import engine as staging

CHANNEL = "shopify_gp"
LOCATION = "gid://shopify/Location/70000000001"


def test_a_dry_run_knows_new_map_rows_and_writes_none(staging_url: str) -> None:
    engine = staging.create(staging_url)
    staging.ensure_ready(engine)

    def rows() -> tuple[int, int]:
        with engine.connect() as connection:
            found = connection.execute(
                text("select (select count(*) from map_value), (select count(*) from log_audit)")
            ).one()
        return found[0], found[1]

    assert maps_of(CHANNEL, engine, keep=False).require("location", LOCATION) == "MAIN"
    assert rows() == (0, 0)
    assert maps_of(CHANNEL, engine, keep=True).require("location", LOCATION) == "MAIN"
    assert min(rows()) > 0
    engine.dispose()
