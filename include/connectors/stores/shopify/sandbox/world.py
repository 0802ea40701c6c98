"""Everything behind the sandbox's HTTP face, in one object."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from include.connectors.stores.shopify.sandbox.auth import Tokens
from include.connectors.stores.shopify.sandbox.bulk import BulkOperations
from include.connectors.stores.shopify.sandbox.execution import Executor
from include.connectors.stores.shopify.sandbox.faults import Faults
from include.connectors.stores.shopify.sandbox.settings import SandboxSettings
from include.connectors.stores.shopify.sandbox.store import StoreState


@dataclass(slots=True)
class Sandbox:
    """Everything behind the HTTP face.

    Attributes:
        store: The shop.
        settings: The switches.
        tokens: The app's tokens.
        faults: The faults that are switched on.
        executor: Runs queries.
        bulk: Runs bulk operations.
        log: Operation name, status and cost of every request; never its contents.
    """

    store: StoreState
    settings: SandboxSettings
    tokens: Tokens
    faults: Faults = field(default_factory=Faults)
    executor: Executor = field(default_factory=Executor)
    bulk: BulkOperations = field(default_factory=BulkOperations)
    log: list[dict[str, Any]] = field(default_factory=list)
