"""One stack for all end-to-end tests: whoever stopped or killed it, the next test finds it up."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.e2e.running import Runner


@pytest.fixture(scope="session")
def stack_folder(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Runner]:
    """The session's `make run`, on a state folder of its own; not started yet."""
    runner = Runner(tmp_path_factory.mktemp("stack") / "state")
    try:
        yield runner
    finally:
        runner.end()


@pytest.fixture
def runner(stack_folder: Runner) -> Runner:
    """The session's `make run`, up and done with its main job."""
    stack_folder.ensure_up()
    return stack_folder
