"""Tries again what may work later: as long as the server asks for, else longer each time."""

from __future__ import annotations

import random
from collections.abc import Callable
from typing import TypeVar

from tenacity import RetryCallState, Retrying, retry_if_exception, stop_after_attempt

from include.domain.errors import AmbiguousOutcome, RateLimited, RemoteUnavailable

T = TypeVar("T")


def is_retryable(error: BaseException) -> bool:
    """Tell whether sending the same call again is safe and may help.

    Args:
        error: What the call ended in.
    """
    return isinstance(error, RemoteUnavailable) and not isinstance(error, AmbiguousOutcome)


class Backoff:
    """Seconds before the next attempt.

    Obeys what a rate-limited server asks for (a little later, so that callers spread out);
    otherwise a random time up to a limit that doubles with each attempt.

    Args:
        first: Upper limit of the first wait, in seconds.
        longest: Upper limit of any wait that the server did not ask for.
        rng: Source of the jitter.
    """

    def __init__(self, first: float, longest: float, rng: random.Random) -> None:
        self._first = first
        self._longest = longest
        self._rng = rng

    def seconds(self, attempt: int, error: BaseException | None) -> float:
        """Return the wait after a failed attempt.

        Args:
            attempt: 1 for the first.
            error: What the attempt failed with.
        """
        jitter = self._rng.random()
        if isinstance(error, RateLimited) and error.retry_after is not None:
            return error.retry_after + jitter * min(1.0, self._first)
        limit = min(self._longest, self._first * float(2 ** (attempt - 1)))
        return limit * (0.5 + jitter / 2)


def call_with_retries(
    call: Callable[[], T],
    *,
    attempts: int,
    backoff: Backoff,
    sleep: Callable[[float], None],
    retryable: Callable[[BaseException], bool] = is_retryable,
) -> T:
    """Call until it works, an error that no retry mends, or the attempts are used up.

    Args:
        call: What to do; must be safe to repeat.
        attempts: How often at most.
        backoff: How long to wait in between.
        sleep: Waits the given seconds.
        retryable: Tells whether an error is worth another attempt.

    Returns:
        What the call returned.

    Raises:
        RemoteUnavailable: The last error, once the attempts are used up.
    """

    def wait(state: RetryCallState) -> float:
        error = state.outcome.exception() if state.outcome else None
        return backoff.seconds(state.attempt_number, error)

    retrying = Retrying(
        retry=retry_if_exception(retryable),
        stop=stop_after_attempt(attempts),
        wait=wait,
        sleep=sleep,
        reraise=True,
    )
    return retrying(call)
