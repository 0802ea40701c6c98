"""The Quarantine page in headless Chromium, inside a frame that is sandboxed as Airflow's is."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator

import pytest
import uvicorn
from fastapi import FastAPI
from fastapi.responses import HTMLResponse
from playwright.sync_api import Browser, sync_playwright
from sqlalchemy import Engine

from include.staging import engine as staging
from include.staging import mapping, quarantine
from plugins.finance.mount import QUARANTINE_PREFIX, AddSlash, ProofMount
from plugins.finance.quarantine_app import create_quarantine_app
from plugins.finance.quarantine_source import StagingDesk
from tests.plugins.quarantine_data import CHANNEL, FakeAccess, FakeReplayer, fill, user_of_request
from tests.plugins.test_proof_browser import FLAGS, SANDBOX, open_quietly

pytestmark = pytest.mark.browser


@pytest.fixture
def engine(staging_url: str) -> Iterator[Engine]:
    engine = staging.create(staging_url)
    staging.ensure_ready(engine)
    fill(engine)
    yield engine
    engine.dispose()


@pytest.fixture
def replayer() -> FakeReplayer:
    return FakeReplayer()


@pytest.fixture
def page_url(
    engine: Engine, staging_url: str, replayer: FakeReplayer, free_port: int
) -> Iterator[str]:
    """Address of the page, served by uvicorn from the staging database."""
    app = FastAPI()
    app.add_middleware(AddSlash)
    app.mount(
        QUARANTINE_PREFIX,
        ProofMount(
            lambda: create_quarantine_app(
                StagingDesk(lambda: staging_url), FakeAccess(), replayer, user_of_request
            )
        ),
    )

    @app.get("/frame", response_class=HTMLResponse)
    def frame() -> str:
        return (
            '<!doctype html><title>Airflow</title><link rel="icon" href="data:,">'
            f'<iframe sandbox="{SANDBOX}" '
            f'src="{QUARANTINE_PREFIX}/" width="1400" height="850"></iframe>'
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


def test_ops_adds_a_mapping_row_replays_and_writes_off_inside_airflows_frame(
    browser: Browser, page_url: str, engine: Engine, replayer: FakeReplayer
) -> None:
    context = browser.new_context(viewport={"width": 1440, "height": 900})
    context.add_cookies([{"name": "user", "value": "ops", "url": page_url}])
    page, complaints = open_quietly(context)
    page.goto(f"{page_url}/frame")
    frame = page.frame_locator("iframe")

    frame.locator("#held tbody tr").first.wait_for()
    assert frame.locator("#held tbody tr").count() == 7
    assert "<script>" in frame.locator("#held").inner_text()
    frame.get_by_label("Reason").select_option("missing_mapping")
    frame.get_by_role("button", name="Show").click()
    frame.get_by_role("link", name="#1001").click()
    frame.get_by_label("ERP value").fill("card:KLARNA:KLARNA")
    frame.get_by_role("button", name="Add the row").click()
    frame.get_by_role("status").filter(has_text="The mapping row was added").wait_for()
    with engine.connect() as connection:
        maps = mapping.load(connection, CHANNEL)
    assert maps.require("payment", "klarna_pay_later") == "card:KLARNA:KLARNA"

    frame.get_by_role("link", name="Quarantine").click()
    for number in ("#1001", "#1002"):
        frame.get_by_label(f"Choose {number}").check()
    frame.get_by_role("button", name="Replay the chosen").click()
    frame.get_by_role("status").filter(has_text="A replay was started").wait_for()
    assert replayer.started == [(CHANNEL, "ops")]

    frame.get_by_role("link", name="#1003").click()
    frame.get_by_label("Reason", exact=True).fill("booked by hand")
    frame.get_by_role("button", name="Write off").click()
    frame.get_by_role("alert").wait_for()
    assert "Written off by ops." in frame.get_by_role("alert").inner_text()
    with engine.connect() as connection:
        order_id = "gid://shopify/Order/1003"
        assert quarantine.written_off(connection, CHANNEL, [order_id]) == {
            order_id: ("ops", "booked by hand")
        }
    assert complaints == []
    context.close()


def test_finance_reads_on_a_narrow_screen_in_the_dark_without_a_button(
    browser: Browser, page_url: str
) -> None:
    context = browser.new_context(color_scheme="dark", viewport={"width": 390, "height": 800})
    context.add_cookies([{"name": "user", "value": "finance", "url": page_url}])
    page, complaints = open_quietly(context)
    for path in ("/", "/held/1"):
        page.goto(f"{page_url}{QUARANTINE_PREFIX}{path}")
        assert page.evaluate("document.documentElement.scrollWidth <= window.innerWidth")
        assert page.locator('form[method="post"]').count() == 0
    background = page.evaluate("getComputedStyle(document.body).backgroundColor")
    assert background == "rgb(16, 21, 28)"
    assert complaints == []
    context.close()
