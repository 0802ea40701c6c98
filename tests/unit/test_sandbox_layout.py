"""Books of another version are noticed before anything starts, and said in one line."""

from __future__ import annotations

from pathlib import Path

import pytest

from include.connectors import registry
from include.sandbox import layout
from local.stack import SandboxOptions, Stack, StackError


@pytest.mark.parametrize("connector", registry.names("erps"))
def test_every_sandbox_names_files_that_lay_out_its_books(connector: str) -> None:
    package = Path(registry.__file__).parent / "erps" / connector / "sandbox"
    module = __import__(f"include.connectors.erps.{connector}.sandbox", fromlist=["LAID_OUT_BY"])

    assert module.LAID_OUT_BY
    assert all(list(package.glob(pattern)) for pattern in module.LAID_OUT_BY)


def test_books_are_current_until_what_laid_them_out_changes(tmp_path: Path) -> None:
    assert layout.is_current(tmp_path, "dynamics_gp"), "there are none yet"

    books = layout.books_of(tmp_path, "dynamics_gp")

    assert books == layout.books_of(tmp_path, "dynamics_gp")
    assert books.is_dir()
    assert layout.is_current(tmp_path, "dynamics_gp")
    (tmp_path / "dynamics_gp.layout").write_text(layout.digest_of("heartland_retail"))
    assert not layout.is_current(tmp_path, "dynamics_gp")
    (tmp_path / "dynamics_gp.layout").unlink()
    assert not layout.is_current(tmp_path, "dynamics_gp"), "of a version that noted nothing"


def test_a_stack_with_old_books_says_what_to_do_and_starts_nothing(tmp_path: Path) -> None:
    state = tmp_path / ".local"
    layout.books_of(state / "sandboxes" / "shopify_heartland", "heartland_retail")
    (state / "sandboxes" / "shopify_gp" / "dynamics_gp").mkdir(parents=True)
    stack = Stack(tmp_path, state, print)

    with pytest.raises(StackError) as caught:
        stack.up(SandboxOptions(), ["shopify_gp", "shopify_heartland"])

    assert str(caught.value) == (
        "the sandbox books of shopify_gp in .local are of another version: run `make clean`, then "
        "`make run` again"
    )
    assert not (state / "postgres").exists()
