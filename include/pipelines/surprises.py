"""Keeps what nobody foresaw in one order to that order: named by class and place, never by value.

Whatever an odd but lawful document makes translation, planning or preparation trip over must not
stop the orders beside it. A fault of the system (a database, the network) is none of these classes.
"""

from __future__ import annotations

import traceback
from pathlib import Path

from include.domain.errors import ContractDrift

SURPRISES = (ValueError, ArithmeticError, LookupError, TypeError, AttributeError)


def contained(
    error: BaseException, order_number: str, step: str, *, rule: str = "unforeseen"
) -> ContractDrift:
    """Turn an unforeseen error about one order into the reason why it is held.

    Args:
        error: One of ``SURPRISES``, as it was raised.
        order_number: The number people use.
        step: What was being done to the order, as in "could not be planned".
        rule: Short name that tells who found it, and so who closes it again.
    """
    frames = traceback.extract_tb(error.__traceback__)
    place = f" at {Path(frames[-1].filename).name}:{frames[-1].lineno}" if frames else ""
    return ContractDrift(
        f"order {order_number}: {step} ({type(error).__name__}{place}): it says something that was "
        "not foreseen. Compare it with its neighbours in the store's admin; if it is right, report "
        "this line, and replay the order once it is mended",
        rule=rule,
        field="order",
    )
