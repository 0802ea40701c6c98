"""Sessions with time-outs, statuses as errors, pauses, pacing, redaction, working ahead."""

from __future__ import annotations

import random
import threading
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import pytest
import requests

from include.domain.errors import (
    AmbiguousOutcome,
    ConfigurationError,
    RateLimited,
    RemoteUnavailable,
)
from include.transport.connection import ConnectionFacts
from include.transport.prefetch import ahead
from include.transport.ratelimit import Bucket
from include.transport.redaction import safe_text, safe_url
from include.transport.retry import Backoff, call_with_retries
from include.transport.session import TimeoutAdapter, Timeouts, build_session
from include.transport.status import as_remote_error, raise_for_status, retry_after
from tests.unit.shopify_fakes import FakeClock, reply

NOW = datetime(2026, 11, 21, 12, tzinfo=UTC)


def test_a_session_sends_every_call_with_a_time_out() -> None:
    session = build_session(Timeouts(1.0, 2.0))

    for scheme in ("http://", "https://"):
        adapter = session.get_adapter(f"{scheme}shop.example")
        assert isinstance(adapter, TimeoutAdapter)
    assert session.headers["User-Agent"].startswith("Counterfoil/")


def test_a_hung_server_does_not_hang_the_caller() -> None:
    import socket

    with socket.create_server(("127.0.0.1", 0)) as server:
        session = build_session(Timeouts(1.0, 0.05))
        session.trust_env = False
        with pytest.raises(requests.ReadTimeout):
            session.get(f"http://127.0.0.1:{server.getsockname()[1]}/")


@pytest.mark.parametrize(
    ("status", "error"),
    [
        (301, ConfigurationError),
        (400, ConfigurationError),
        (401, ConfigurationError),
        (403, ConfigurationError),
        (404, ConfigurationError),
        (408, RemoteUnavailable),
        (425, RemoteUnavailable),
        (429, RateLimited),
        (430, RateLimited),
        (500, RemoteUnavailable),
        (503, RemoteUnavailable),
        (599, RemoteUnavailable),
    ],
)
def test_a_status_becomes_the_error_that_says_how_to_recover(
    status: int, error: type[Exception]
) -> None:
    with pytest.raises(error, match="shop") as caught:
        raise_for_status(reply(None, status, raw=b""), "shop", NOW, "req-9")
    assert type(caught.value) is error
    assert "req-9" in str(caught.value)


@pytest.mark.parametrize("status", [200, 201, 204])
def test_a_good_status_passes(status: int) -> None:
    raise_for_status(reply(None, status, raw=b""), "shop", NOW)


@pytest.mark.parametrize(
    ("value", "seconds"),
    [
        ("2", 2.0),
        ("2.5", 2.5),
        ("-1", 0.0),
        ("Sat, 21 Nov 2026 12:00:30 GMT", 30.0),
        ("Sat, 21 Nov 2026 11:00:00 GMT", 0.0),
        ("soon", None),
        ("", None),
    ],
)
def test_retry_after_is_read_as_seconds_or_as_a_date(value: str, seconds: float | None) -> None:
    assert retry_after(reply(None, 429, {"Retry-After": value}, raw=b""), NOW) == seconds


@pytest.mark.parametrize(
    ("raised", "error"),
    [
        (requests.ReadTimeout("https://u:p@h/x?sig=1"), RemoteUnavailable),
        (requests.ConnectionError("https://u:p@h/x?sig=1"), RemoteUnavailable),
        (requests.exceptions.SSLError("x?sig=1"), RemoteUnavailable),
        (requests.exceptions.MissingSchema("x?sig=1"), ConfigurationError),
        (requests.exceptions.InvalidURL("x?sig=1"), ConfigurationError),
    ],
)
def test_a_broken_exchange_is_told_without_its_address(
    raised: requests.RequestException, error: type[Exception]
) -> None:
    told = as_remote_error(raised, "shop")

    assert type(told) is error
    assert "sig=1" not in str(told)


def test_pauses_double_up_to_a_limit_and_differ_by_chance() -> None:
    backoff = Backoff(1.0, 10.0, random.Random(1))

    pauses = [backoff.seconds(attempt, None) for attempt in range(1, 8)]

    for pause, limit in zip(pauses, (1, 2, 4, 8, 10, 10, 10), strict=True):
        assert limit / 2 <= pause <= limit


def test_a_server_that_names_a_time_is_obeyed() -> None:
    backoff = Backoff(1.0, 10.0, random.Random(1))

    assert 60 <= backoff.seconds(1, RateLimited("slow", retry_after=60)) <= 61


def test_a_call_that_may_have_had_its_effect_is_never_sent_again_blindly() -> None:
    calls = []

    def call() -> None:
        calls.append(1)
        raise AmbiguousOutcome("cut")

    clock = FakeClock()
    with pytest.raises(AmbiguousOutcome):
        call_with_retries(
            call, attempts=5, backoff=Backoff(1, 1, random.Random(1)), sleep=clock.sleep
        )
    assert len(calls) == 1


def test_a_bucket_refills_with_time_up_to_its_size() -> None:
    clock = FakeClock()
    bucket = Bucket(clock.now)
    assert bucket.reserve(1_000_000) == 0.0

    bucket.report(maximum=100, available=50, rate=10)
    assert bucket.reserve(50) == 0.0
    assert bucket.reserve(20) == pytest.approx(2.0)
    clock.at += timedelta(seconds=3600)
    assert bucket.reserve(100) == 0.0
    assert bucket.reserve(10) == pytest.approx(1.0)


def test_a_url_is_told_without_user_query_and_fragment() -> None:
    assert safe_url("https://me:pw@files.example:8443/a/b?sig=1#x") == (
        "https://files.example:8443/a/b"
    )


@pytest.mark.parametrize(
    "secret",
    [
        "token shpat_0a1b2c3d4e",
        'body {"access_token":"s3cret0"}',
        "access_token=s3cret0&x=1",
        "client_secret=s3cret0",
        "Authorization: Bearer s3cret0",
        "Authorization: Basic s3cret0",
    ],
)
def test_tokens_are_masked_in_a_vendors_words(secret: str) -> None:
    told = safe_text(secret)

    assert "s3cret0" not in told
    assert "0a1b2c3d4e" not in told
    assert "***" in told


def test_a_vendors_words_are_put_on_one_line_and_shortened() -> None:
    told = safe_text("a\n" * 1000)

    assert "\n" not in told
    assert len(told) < 400


def test_facts_of_a_connection_never_show_their_secrets() -> None:
    facts = ConnectionFacts("c", "https://h", "me", "pw-1", {"token": "tk-1"})  # type: ignore[arg-type]

    assert facts.password.get_secret_value() == "pw-1"
    assert "pw-1" not in repr(facts)
    assert "tk-1" not in repr(facts)


@pytest.mark.parametrize("depth", [0, 1, 4])
def test_working_ahead_keeps_the_order(depth: int) -> None:
    assert list(ahead(range(50), depth)) == list(range(50))


@pytest.mark.parametrize("depth", [0, 2])
def test_an_error_comes_at_its_place_in_the_stream(depth: int) -> None:
    def items() -> Iterator[int]:
        yield 1
        raise RemoteUnavailable("gone")

    stream = ahead(items(), depth)

    assert next(stream) == 1
    with pytest.raises(RemoteUnavailable, match="gone"):
        next(stream)


def test_no_more_is_fetched_ahead_than_allowed() -> None:
    produced = []
    second = threading.Event()

    def items() -> Iterator[int]:
        for number in range(100):
            produced.append(number)
            if number == 3:
                second.set()
            yield number

    stream = ahead(items(), 2)
    next(stream)
    assert second.wait(5)

    # One in use, two waiting, one in the producer's hand.
    assert len(produced) == 4
    stream.close()
    assert not [t for t in threading.enumerate() if t.name == "prefetch"]
