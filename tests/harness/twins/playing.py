"""A thing done inside this process and taken back: on a page by whoever is signed in, over the API by their app.

Both are played in the one tenant, each from the very same rows: the transaction around each is rolled back.
"""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import Any
from urllib.parse import urlsplit

import httpx
from django.core.handlers.wsgi import WSGIHandler
from django.core.signals import request_finished, request_started
from django.db import close_old_connections, transaction
from django.test import TestCase
from django.urls import resolve

from remit import tenant_urls
from tests.harness.browser import Browser
from tests.harness.twins.case import Case, Names, filled
from tests.harness.world import World
from tokens import caches

APPLICATION = WSGIHandler()


class Inside(httpx.WSGITransport):
    """Answers in this process, and then does what waits for the commit that never comes."""

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        with _kept_open(), TestCase.captureOnCommitCallbacks(execute=True):
            response = super().handle_request(request)
            response.read()
        return response


@contextmanager
def _kept_open() -> Iterator[None]:
    """Let no request of the block close the connection, whose transaction it is in."""
    moments = (request_started, request_finished)
    for each in moments:
        each.disconnect(close_old_connections)
    yield
    for each in moments:
        each.connect(close_old_connections)


@dataclass
class Hands:
    """A world and the names of what stands in it, the sessions of its people, and the tokens of their apps."""

    world: World
    names: Names
    cookies: Mapping[str, httpx.Cookies]
    tokens: Mapping[str, str]

    def press(self, case: Case, names: Names) -> None:
        """Open the page and send its forms; the last of them is the one that the case is about."""
        browser = Browser(self.world.origin)
        browser.http.close()
        with self._client(headers={"Accept": "text/html"}, cookies=self.cookies[case.person]) as client:
            browser.http = client
            browser.go(self.world.url(filled(case.page, names)))
            for press in case.press:
                action = filled(press.action, names)
                browser.form(action)  # Which says what is there instead.
                form = [each for each in browser.forms() if action in each.action][press.nth]
                form = replace(form, action=self.world.url(press.to)) if press.to else form
                place = form.action or str(browser.page.url)  # type: ignore[union-attr]  # It is open.
                answer = browser.submit(form, filled(press.fill or {}, names), press.files)
                assert answer.status_code == press.status, f"{answer.status_code} {answer.url}: {browser.words()}"
            assert page_name(self.world, place) == case.form

    def ask(self, case: Case, names: Names) -> None:
        """Send the requests of the API."""
        known = dict(names)
        with self._client(headers={"Authorization": f"Bearer {self.tokens[case.person]}"}) as client:
            for each in case.asks:
                place = self.world.url(f"/api/v1/{filled(each.path, known)}")
                answer = client.request(each.method, place, json=filled(each.body, known), headers=each.headers)
                assert answer.status_code < 300, f"{answer.status_code}: {answer.text}"
                known |= {f"made_{name}": value for name, value in answer.json().items()} if answer.content else {}

    def _client(self, **options: Any) -> httpx.Client:
        return httpx.Client(base_url=self.world.origin, transport=Inside(app=APPLICATION), **options)


def page_name(world: World, place: str) -> str:
    """Return the name of the page's address that a form leads to."""
    path = urlsplit(place).path.removeprefix(f"/t/{world.tenant.slug}")
    return str(resolve(path, tenant_urls).url_name)


@contextmanager
def taken_back() -> Iterator[None]:
    """Undo what the block does to the database, and forget what this process kept of it."""
    caches.forget_all()
    with transaction.atomic():
        yield
        transaction.set_rollback(True)
    caches.forget_all()
