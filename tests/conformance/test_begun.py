"""A document that was begun is finished as planned; what changed meanwhile comes after it."""

from __future__ import annotations

from collections.abc import Sequence

import pytest
from sqlalchemy import text

from include.domain.document import DocumentKey
from tests.conformance.conftest import Stands
from tests.conformance.defects import Around
from tests.conformance.delivery import killed

ANY = "dynamics_gp"


class HoldsAPart(Around):
    """An ERP that says it holds a part of whatever was sent to it."""

    def begun(self, documents: Sequence[tuple[DocumentKey, str]]) -> frozenset[DocumentKey]:
        return frozenset(key for key, _ in documents)


@pytest.mark.parametrize(
    ("at", "follows"), [(1, ["order_change", "invoice"]), (2, ["credit_note"])]
)
def test_an_edit_comes_after_the_document_that_was_begun(
    stands: Stands, at: int, follows: list[str]
) -> None:
    stand = stands.of(ANY)
    bought = stand.simple(3)
    killed(stand, bought, at=at, after=False)
    with stand.house().engine.connect() as connection:
        entry = text(
            "SELECT kind, total, order_version, document_on, based_on FROM erp_document"
            " WHERE order_id_store = :order_id AND state = :state ORDER BY posted_at"
        )
        sent = connection.execute(entry, {"order_id": bought.order_id, "state": "sending"}).one()
    bought.later().remove(bought.parts[0], 1)
    bought.pay_back()
    stand.post(bought, house=stand.house(HoldsAPart(stand.usual_erp())))  # type: ignore[arg-type]
    with stand.house().engine.connect() as connection:
        posted = connection.execute(entry, {"order_id": bought.order_id, "state": "posted"}).all()
    assert posted[at - 1] == sent
    assert [entry.kind for entry in posted[at:]] == follows
    stand.require_all(bought)
