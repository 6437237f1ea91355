"""The product inside the test process: for what a socket hides (queries, calls, objects made)."""

from base64 import b64encode
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any
from urllib.parse import urlencode, urlsplit

from django.conf import settings
from django.db import connection
from django.http import HttpResponse
from django.test import Client
from django.test.utils import CaptureQueriesContext

from tests.harness.wire import FORM
from tests.harness.world import Credentials, World

_TRANSACTION_CONTROL = ("BEGIN", "COMMIT", "ROLLBACK", "SAVEPOINT", "RELEASE")


def post(world: World, path: str, form: dict[str, Any], who: Credentials | None = None) -> HttpResponse:
    """POST a form to an endpoint of the tenant, as this client with its secret, through every middleware."""
    authorization = {"Authorization": _basic(who)} if who is not None and who.secret else {}
    body = urlencode(form, doseq=True)
    return _client().post(_path(world, path), body, content_type=FORM, headers=authorization)


def get(world: World, path: str, **headers: str) -> HttpResponse:
    """GET a path of the tenant."""
    return _client().get(_path(world, path), headers=headers)


@contextmanager
def counted() -> Iterator[list[str]]:
    """Give the statements that the block sends, once it is over.

    BEGIN, COMMIT, ROLLBACK, SAVEPOINT and RELEASE are left out: they frame the work and are not part of it.
    """
    statements: list[str] = []
    with CaptureQueriesContext(connection) as captured:
        yield statements
    # Django does not know the text of a statement that was prepared.
    sent = (query["sql"] or "prepared" for query in captured)
    statements += [sql for sql in sent if not sql.upper().startswith(_TRANSACTION_CONTROL)]


def _client() -> Client:
    return Client(SERVER_NAME=urlsplit(settings.PUBLIC_ORIGIN).hostname)


def _path(world: World, path: str) -> str:
    return f"/t/{world.tenant.slug}{path}"


def _basic(who: Credentials) -> str:
    return f"Basic {b64encode(f'{who.id}:{who.secret}'.encode()).decode()}"
