"""Chromium for pages, driven by Playwright's blocking API in the test's own thread."""

import os
from collections.abc import Iterator
from contextlib import contextmanager

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


@contextmanager
def _staged(origin: str, http: httpx.Client) -> Iterator[Stage]:
    with callback.listening() as back:
        stage = build(origin, http, back)
        yield stage
    stage.lived_in.close()
    stage.empty.close()


@pytest.fixture(scope="session")
def looked_at(origin: str, http: httpx.Client) -> Iterator[Stage]:
    """Both tenants as pages are looked at; made once, because what lives in them takes many seconds."""
    with _staged(origin, http) as stage:
        yield stage


@pytest.fixture(scope="session")
def worked_in(origin: str, http: httpx.Client) -> Iterator[Stage]:
    """Both tenants for those who do something there: what they leave behind would weigh on the pages looked at."""
    with _staged(origin, http) as stage:
        yield stage


@pytest.fixture
def stage(request: pytest.FixtureRequest, chromium: Browser) -> Stage:
    is_only_looked_at = getattr(request.module, "IS_SHELL_ENOUGH", False)
    stage: Stage = request.getfixturevalue("looked_at" if is_only_looked_at else "worked_in")
    stage.chromium = chromium
    return stage
