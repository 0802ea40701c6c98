"""The Proof page in headless Chromium, inside a frame that is sandboxed as Airflow's is."""

from __future__ import annotations

import csv
import threading
import time
from collections.abc import Iterator

import pytest
import uvicorn
from fastapi import FastAPI
from fastapi.responses import HTMLResponse
from playwright.sync_api import Browser, BrowserContext, Page, sync_playwright

from plugins.finance.app import create_app
from plugins.finance.mount import PREFIX, AddSlash, ProofMount
from tests.plugins.plan_data import EMPTY, PLAN, FakeChannels, FakePlans
from tests.plugins.proof_data import (
    FakeAccess,
    FakeSource,
    proof_of,
    unexplained_proof,
    user_of_request,
)

pytestmark = pytest.mark.browser
SANDBOX = "allow-scripts allow-same-origin allow-forms allow-downloads"
FLAGS = [
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]


@pytest.fixture
def page_url(free_port: int) -> Iterator[str]:
    """Address of a page of seven windows, one of them incomplete, served by uvicorn."""
    proofs = [proof_of(day) for day in range(1, 7)] + [unexplained_proof(7)]
    app = FastAPI()
    app.add_middleware(AddSlash)
    app.mount(
        PREFIX,
        ProofMount(
            lambda: create_app(
                FakeSource(proofs),
                FakeAccess(),
                user_of_request,
                plans=FakePlans(PLAN, EMPTY),
                channels=FakeChannels(),
            )
        ),
    )

    @app.get("/frame", response_class=HTMLResponse)
    def frame() -> str:
        return (
            '<!doctype html><title>Airflow</title><link rel="icon" href="data:,">'
            f'<iframe sandbox="{SANDBOX}" '
            f'src="{PREFIX}/" width="1400" height="850"></iframe>'
        )

    server = uvicorn.Server(
        uvicorn.Config(app, host="127.0.0.1", port=free_port, log_level="warning")
    )
    thread = threading.Thread(target=server.run, daemon=True)
    thread.start()
    while not server.started:
        assert thread.is_alive(), "uvicorn ended before it served"
        time.sleep(0.02)
    yield f"http://127.0.0.1:{free_port}"
    server.should_exit = True
    thread.join(20)


@pytest.fixture
def browser(chromium: str) -> Iterator[Browser]:
    with sync_playwright() as playwright:
        running = playwright.chromium.launch(executable_path=chromium, args=FLAGS)
        yield running
        running.close()


@pytest.fixture
def signed_in(browser: Browser, page_url: str) -> Iterator[BrowserContext]:
    context = browser.new_context(viewport={"width": 1440, "height": 900}, accept_downloads=True)
    context.add_cookies([{"name": "user", "value": "finance", "url": page_url}])
    yield context
    context.close()


# What Chromium says of any frame with Airflow's sandbox, and of any link that turns out a download.
EXPECTED = ("can escape its sandboxing", "net::ERR_ABORTED")


def open_quietly(context: BrowserContext) -> tuple[Page, list[str]]:
    """A page and the list that everything it complains about goes to."""
    page = context.new_page()
    complaints: list[str] = []

    def complain(words: str | None) -> None:
        if not any(known in (words or "") for known in EXPECTED):
            complaints.append(words or "a complaint without words")

    page.on("console", lambda message: complain(message.text))
    page.on("pageerror", lambda error: complain(str(error)))
    page.on("dialog", lambda dialog: complain(dialog.message))
    page.on("requestfailed", lambda request: complain(f"{request.url} {request.failure}"))
    return page, complaints


def test_finance_opens_a_window_and_downloads_it_inside_airflows_frame(
    signed_in: BrowserContext, page_url: str
) -> None:
    page, complaints = open_quietly(signed_in)
    page.goto(f"{page_url}/frame")
    frame = page.frame_locator("iframe")

    rows = frame.locator("#windows tbody tr")
    rows.first.wait_for()
    assert rows.count() == 7
    assert frame.locator("#windows tr.bad").count() == 1
    alarm = frame.locator("#windows .badge.alarm")
    assert alarm.inner_text() == "1"
    # The style sheet is loaded: red is what says that something is wrong.
    assert alarm.evaluate("node => getComputedStyle(node).backgroundColor") == "rgb(179, 20, 29)"

    frame.get_by_role("link", name="Sat 7 Nov 2026").click()
    frame.get_by_role("alert").wait_for()
    assert "1 order is unexplained" in frame.get_by_role("alert").inner_text()
    assert "<script>" in frame.locator("#unexplained tbody th").inner_text()
    assert frame.locator("#held tbody tr").count() == 3
    assert frame.get_by_text("orders@example.com").first.is_visible()

    with page.expect_download() as download:
        frame.get_by_role("link", name="CSV").click()
    assert download.value.suggested_filename == "proof-shopify_gp-20261107T000000Z.csv"
    with open(download.value.path(), newline="", encoding="utf-8") as file:
        assert [row["outcome"] for row in csv.DictReader(file)][:2] == ["unexplained", "held"]
    assert complaints == []


def test_finance_filters_the_list_by_day(signed_in: BrowserContext, page_url: str) -> None:
    page, complaints = open_quietly(signed_in)
    page.goto(f"{page_url}{PREFIX}")

    page.get_by_label("From day (UTC)").fill("2026-11-02")
    page.get_by_label("To day (UTC)").fill("2026-11-03")
    page.get_by_role("button", name="Show").click()

    page.wait_for_url("**first=2026-11-02**")
    assert page.locator("#windows tbody tr").count() == 2
    assert complaints == []


def test_the_page_is_readable_in_the_dark_and_on_a_narrow_screen(
    browser: Browser, page_url: str
) -> None:
    context = browser.new_context(color_scheme="dark", viewport={"width": 390, "height": 800})
    context.add_cookies([{"name": "user", "value": "finance", "url": page_url}])
    page, complaints = open_quietly(context)

    page.goto(f"{page_url}{PREFIX}/windows/7")

    background = page.evaluate("getComputedStyle(document.body).backgroundColor")
    assert background == "rgb(16, 21, 28)"
    assert page.evaluate("document.documentElement.scrollWidth <= window.innerWidth")
    assert complaints == []
    context.close()
