"""Every asset of the bundle, declared once: two names for one address fail its tasks."""

from __future__ import annotations

from airflow.sdk import Asset


def staged_orders(channel: str) -> Asset:
    """Return the asset that says: orders of this channel are staged.

    Args:
        channel: Channel id.
    """
    return Asset(name=f"staged_orders__{channel}", uri=f"x-counterfoil://{channel}/staged_orders")


def posted_documents(channel: str) -> Asset:
    """Return the asset that says: documents of this channel are in the ERP.

    Args:
        channel: Channel id.
    """
    return Asset(
        name=f"posted_documents__{channel}", uri=f"x-counterfoil://{channel}/posted_documents"
    )
