"""Plans, channels and customers in headless Chromium, inside a frame sandboxed as Airflow's is."""

from __future__ import annotations

import csv
import threading
import time
from collections.abc import Iterator

import pytest
import uvicorn
from fastapi import FastAPI
from fastapi.responses import HTMLResponse
from playwright.sync_api import BrowserContext, FrameLocator, Page, sync_playwright

from include.staging import engine as staging
from plugins.finance.app import create_app
from plugins.finance.customer_app import create_customer_app
from plugins.finance.customer_source import StagingCustomers
from plugins.finance.mount import CUSTOMERS_PREFIX, PREFIX, AddSlash, ProofMount
from tests.plugins.customer_data import fill
from tests.plugins.plan_data import EMPTY, PLAN, FakeChannels, FakePlans
from tests.plugins.proof_data import FakeAccess, FakeSource, proof_of, user_of_request
from tests.plugins.test_proof_browser import FLAGS, SANDBOX, open_quietly

pytestmark = pytest.mark.browser


@pytest.fixture
def address(free_port: int, staging_url: str) -> Iterator[str]:
    """Address of the pages, served by uvicorn on a real staging database."""
    engine = staging.create(staging_url)
    staging.ensure_ready(engine)
    fill(engine)
    engine.dispose()
    app = FastAPI()
    app.add_middleware(AddSlash)
    access, plans = FakeAccess(), FakePlans(PLAN, EMPTY)
    proofs = FakeSource([proof_of(1)])
    app.mount(
        PREFIX,
        ProofMount(
            lambda: create_app(
                proofs, access, user_of_request, plans=plans, channels=FakeChannels()
            )
        ),
    )
    app.mount(
        CUSTOMERS_PREFIX,
        ProofMount(
            lambda: create_customer_app(
                StagingCustomers(lambda: staging_url), access, user_of_request
            )
        ),
    )

    @app.get("/frame", response_class=HTMLResponse)
    def frame(page: str) -> str:
        return (
            '<!doctype html><title>Airflow</title><link rel="icon" href="data:,">'
            f'<iframe sandbox="{SANDBOX}" src="{page}" width="1400" height="850"></iframe>'
        )

    config = uvicorn.Config(app, host="127.0.0.1", port=free_port, log_level="warning")
    server = uvicorn.Server(config)
    thread = threading.Thread(target=server.run, daemon=True)
    thread.start()
    while not server.started:
        assert thread.is_alive(), "uvicorn ended before it served"
        time.sleep(0.02)
    yield f"http://127.0.0.1:{free_port}"
    server.should_exit = True
    thread.join(20)


@pytest.fixture
def signed_in(chromium: str, address: str) -> Iterator[BrowserContext]:
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium, args=FLAGS)
        context = browser.new_context(viewport={"width": 1440, "height": 900})
        context.add_cookies([{"name": "user", "value": "shopify", "url": address}])
        yield context
        context.close()
        browser.close()


def framed(
    context: BrowserContext, address: str, path: str
) -> tuple[Page, FrameLocator, list[str]]:
    page, complaints = open_quietly(context)
    page.goto(f"{address}/frame?page={path}")
    return page, page.frame_locator("iframe"), complaints


def test_finance_opens_a_plan_from_the_proof_and_downloads_it(
    signed_in: BrowserContext, address: str
) -> None:
    page, frame, complaints = framed(signed_in, address, f"{PREFIX}/")
    frame.get_by_role("link", name="Plans").click()
    frame.locator("#plans tbody tr").first.wait_for()
    assert frame.locator("#plans tbody tr").count() == 2
    frame.locator("#plans tbody a").first.click()
    frame.locator("#sends").wait_for()
    assert frame.locator("#sends tbody tr").count() == 2
    assert "<script>" in frame.locator("#aside tbody th").first.inner_text()
    with page.expect_download() as download:
        frame.get_by_role("link", name="CSV").click()
    with open(download.value.path(), newline="", encoding="utf-8") as file:
        assert [row["action"] for row in csv.DictReader(file)] == ["send", "send", "hold", "skip"]
    assert complaints == []


def test_finance_reads_what_the_channel_books_and_why(
    signed_in: BrowserContext, address: str
) -> None:
    _, frame, complaints = framed(signed_in, address, f"{PREFIX}/")
    frame.get_by_role("link", name="Channels").click()
    frame.get_by_role("link", name="Web shop into Dynamics GP").click()
    frame.get_by_role("heading", name="Policy").wait_for()
    row = frame.locator("tr", has_text="Invoicing")
    assert "on_payment" in row.inner_text()
    assert "billed as soon as it is paid" in row.inner_text()
    assert complaints == []


def test_finance_finds_a_customer_by_an_order_number(
    signed_in: BrowserContext, address: str
) -> None:
    _, frame, complaints = framed(signed_in, address, f"{CUSTOMERS_PREFIX}/")
    frame.get_by_label("Customer id or order number").fill("#1001")
    frame.get_by_role("button", name="Show").click()
    frame.locator("#orders").wait_for()
    assert frame.locator("#orders tbody tr").count() == 4
    assert frame.locator("#held tbody tr").count() == 2
    assert "INVW1" in frame.locator("#orders").inner_text()
    assert complaints == []


def test_a_held_order_of_a_window_leads_to_its_customer(
    signed_in: BrowserContext, address: str
) -> None:
    _, frame, complaints = framed(signed_in, address, f"{PREFIX}/windows/1")
    assert frame.locator("#lives li").first.inner_text().split() == ["New", "298"]
    assert frame.locator("#documents tbody tr").count() == 4
    frame.locator("#held tbody a").first.click()
    frame.locator("#orders").wait_for()
    assert "#1003" in frame.locator("#orders").inner_text()
    assert complaints == []
