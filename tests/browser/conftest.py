"""Chromium for pages, driven by Playwright's blocking API in the test's own thread."""

import os
from collections.abc import Iterator

import httpx
import pytest
from playwright.sync_api import Browser, sync_playwright

from tests.browser.stage import Stage, build
from tests.harness import callback
from tests.harness import chromium as real


@pytest.fixture(scope="module")
def chromium(request: pytest.FixtureRequest) -> Iterator[Browser]:
    with sync_playwright() as playwright:
        # Playwright's loop sleeps while the test's own line runs: Django takes it for one that waits for the database.
        os.environ["DJANGO_ALLOW_ASYNC_UNSAFE"] = "1"
        is_shell_enough = getattr(request.module, "IS_SHELL_ENOUGH", False)
        browser = playwright.chromium.launch(**real.options(is_shell_enough=is_shell_enough))
        yield browser
        browser.close()
    del os.environ["DJANGO_ALLOW_ASYNC_UNSAFE"]


@pytest.fixture(scope="session")
def tenants_of_pages(origin: str, http: httpx.Client) -> Iterator[Stage]:
    """Both tenants, made once: what lives in them takes many seconds."""
    with callback.listening() as back:
        stage = build(origin, http, back)
        yield stage
    stage.lived_in.close()
    stage.empty.close()


@pytest.fixture
def stage(tenants_of_pages: Stage, chromium: Browser) -> Stage:
    tenants_of_pages.chromium = chromium
    return tenants_of_pages
