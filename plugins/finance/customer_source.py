"""Purchase histories of the staging database."""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy import text

from include.staging import customers

from .source import Staging


class StagingCustomers(Staging):
    """Purchase histories on the staging database."""

    what = "customers"

    def channels(self) -> Sequence[str]:
        """Return every channel that has a staged order."""
        with self._reading() as connection:
            # A loose scan of the key: as many steps as there are channels.
            return list(
                connection.scalars(
                    text(
                        "WITH RECURSIVE known AS ("
                        " (SELECT channel FROM staged_order ORDER BY channel LIMIT 1) UNION ALL"
                        " SELECT (SELECT s.channel FROM staged_order AS s"
                        "  WHERE s.channel > known.channel ORDER BY s.channel LIMIT 1)"
                        " FROM known WHERE known.channel IS NOT NULL)"
                        " SELECT channel FROM known WHERE channel IS NOT NULL"
                    )
                )
            )

    def find(self, channels: Sequence[str], words: str) -> Sequence[customers.Found]:
        """Return the customers that an id or an order number names."""
        with self._reading() as connection:
            return customers.find(connection, channels, words)

    def history(self, channel: str, customer_id: str) -> customers.History | None:
        """Return what a customer bought."""
        with self._reading() as connection:
            return customers.history(connection, channel, customer_id)
