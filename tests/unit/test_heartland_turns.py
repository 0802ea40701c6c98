"""Callers of one key take turns; keys that nobody waits for take no room."""

from __future__ import annotations

import threading

import pytest

from include.connectors.erps.heartland_retail.turns import Turns


def test_callers_of_one_key_take_turns_and_those_of_another_do_not_wait() -> None:
    turns = Turns()
    inside: list[str] = []
    entered, leave = threading.Event(), threading.Event()

    def first() -> None:
        with turns.alone("a"):
            inside.append("first")
            entered.set()
            leave.wait(5)
            inside.append("first leaves")

    def second() -> None:
        with turns.alone("a"):
            inside.append("second")

    one, two = threading.Thread(target=first), threading.Thread(target=second)
    one.start()
    entered.wait(5)
    two.start()
    with turns.alone("b"):
        inside.append("another")
    leave.set()
    one.join(5)
    two.join(5)
    assert inside == ["first", "another", "first leaves", "second"]


def test_a_key_is_forgotten_also_after_an_error() -> None:
    turns = Turns()
    held: list[int] = []

    def fail() -> None:
        with turns.alone("a"):
            held.append(len(turns))
            raise ValueError("x")

    with pytest.raises(ValueError, match="x"):
        fail()
    assert (held, len(turns)) == ([1], 0)
