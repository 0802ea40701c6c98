"""What people do with the mouse: operations backfill days, everybody reads the Proof page.

Headless Chromium on the real Airflow. Every test leaves its screenshots in its temporary folder.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path

import pytest
from playwright.sync_api import Browser, FrameLocator, Page, expect, sync_playwright

from tests.e2e.running import DAG, Runner

pytestmark = [pytest.mark.e2e, pytest.mark.browser]

FLAGS = ["--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run"]
PAGE_MILLISECONDS = 60_000
RUNS_MILLISECONDS = 180_000


@pytest.fixture(scope="module")
def browser(chromium: str) -> Iterator[Browser]:
    with sync_playwright() as playwright:
        running = playwright.chromium.launch(executable_path=chromium, args=FLAGS)
        yield running
        running.close()


@pytest.fixture
def page(browser: Browser, runner: Runner) -> Iterator[Page]:
    """A browser that nobody has logged in with."""
    context = browser.new_context(viewport={"width": 1440, "height": 1000}, locale="en-GB")
    context.set_default_timeout(PAGE_MILLISECONDS)
    yield context.new_page()
    context.close()


def address(runner: Runner, path: str) -> str:
    endpoints = runner.stack.endpoints()
    assert endpoints is not None
    return f"{endpoints.airflow_url}{path}"


def log_in(page: Page, runner: Runner, user: str, path: str) -> None:
    """Open a page as a stranger, be sent to the login, log in, and arrive at the page."""
    page.goto(address(runner, path))
    expect(page).to_have_url(re.compile(r"/auth/login"))
    page.get_by_label("Username").fill(user)
    page.get_by_label("Password").fill(runner.stack.credentials.passwords[user])
    page.get_by_role("button", name="Sign in").click()
    expect(page).to_have_url(re.compile(re.escape(path)))


def choose_day(page: Page, day: datetime) -> None:
    """Choose the next day that the dialog asks for from its calendar."""
    page.get_by_text("Select date and time").first.click()
    calendar = page.locator("[data-scope=popover][data-state=open]")
    while not calendar.get_by_text(f"{day:%b %Y}", exact=True).is_visible():
        calendar.get_by_role("button").first.click()
    # The last days of the month before and the first of the one after are on the sheet, too.
    same = calendar.get_by_role("button", name=str(day.day), exact=True)
    (same.first if day.day < 15 else same.last).click()
    page.keyboard.press("Escape")


def proof_page(page: Page) -> FrameLocator:
    """Open the Proof page from the menu."""
    page.get_by_role("link", name="Proof").first.click()
    expect(page).to_have_url(re.compile(r"/plugin/proof"))
    frame = page.frame_locator("iframe")
    frame.locator("#windows tbody tr").first.wait_for()
    return frame


def test_operations_backfill_two_days_by_mouse_and_read_why_an_order_is_held(
    page: Page, runner: Runner, tmp_path: Path
) -> None:
    first, last = runner.today() - timedelta(days=7), runner.today() - timedelta(days=6)
    before = runner.documents()
    runner.wait_for_backfills()
    log_in(page, runner, "ops", f"/dags/{DAG}")

    page.get_by_role("button", name="Trigger").click()
    dialog = page.get_by_role("dialog").filter(has_text="Backfill")
    dialog.get_by_text("Backfill", exact=True).click()
    choose_day(page, first)
    choose_day(page, last)
    expect(page.get_by_text("2 runs will be triggered")).to_be_visible()
    page.screenshot(path=tmp_path / "1-dialog.png")
    dialog.get_by_role("button", name="Run Backfill").click()
    expect(page.get_by_text("Backfill in progress")).to_be_visible()
    expect(dialog).to_be_hidden()
    page.screenshot(path=tmp_path / "2-in-progress.png")

    page.get_by_role("link", name="Runs", exact=True).click()
    for day in (first, last):
        # Airflow names a run after the end of its window.
        row = page.get_by_role("row").filter(has_text=f"backfill__{day + timedelta(1):%Y-%m-%d}")
        expect(row.get_by_text("Success")).to_be_visible(timeout=RUNS_MILLISECONDS)
    page.screenshot(path=tmp_path / "3-complete.png")
    assert runner.documents() > before

    frame = proof_page(page)
    page.screenshot(path=tmp_path / "4-proof.png")
    for day in (first, last):
        row = frame.locator("#windows tbody tr").filter(has_text=f"{day:%a %-d %b %Y}")
        assert row.locator("td").first.inner_text() == "0"
    assert frame.locator("#windows tr.bad").count() == 0

    frame.get_by_role("link", name=f"{last:%a %-d %b %Y}").click()
    held = frame.locator("#held tbody tr").filter(has_text="missing mapping").first
    held.wait_for()
    page.screenshot(path=tmp_path / "5-window.png")
    assert re.search(r"#\d+", held.inner_text())
    assert "order-desk@example.com" in held.inner_text()


def test_finance_reads_the_proof_and_may_not_trigger(
    page: Page, runner: Runner, tmp_path: Path
) -> None:
    log_in(page, runner, "finance", f"/dags/{DAG}")
    frame = proof_page(page)
    assert frame.locator("#windows tbody tr").count() >= 3
    page.screenshot(path=tmp_path / "1-proof.png")

    page.goto(address(runner, f"/dags/{DAG}"))
    page.get_by_role("button", name="Trigger").click()
    page.get_by_role("dialog").get_by_role("button", name="Trigger").click()
    expect(page.get_by_role("dialog").get_by_text("403 Forbidden")).to_be_visible()
    page.screenshot(path=tmp_path / "2-refused.png")


@pytest.mark.parametrize("path", ["/proof/", f"/dags/{DAG}"])
def test_strangers_are_sent_to_the_login(page: Page, runner: Runner, path: str) -> None:
    page.goto(address(runner, path))
    expect(page).to_have_url(re.compile(r"/auth/login"))
    assert "shopify_gp" not in page.content()
