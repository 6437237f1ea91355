"""A database that cannot do it now: 503 and when to ask again, as whoever asks reads it; and nothing else is one."""

import psycopg
import pytest
from django.db import InterfaceError, InternalError, OperationalError
from django.test import Client

from kit import outages
from tenants import directory
from tests.spec import spec

pytestmark = pytest.mark.once
AWAY = OperationalError("a secret that somebody sent")


@pytest.fixture
def ask(world):
    """Ask inside of this process, where the database can be taken away, and get the answer instead of the error."""
    client = Client(raise_request_exception=False, SERVER_NAME="localhost")

    def ask(path, accept="application/json", language="en"):
        headers = {"Accept": accept, "Accept-Language": language}
        return client.get(f"/t/{world.tenant.slug}{path}", headers=headers)

    return ask


@pytest.fixture
def away(monkeypatch):
    """Let the first question of every request fail."""

    def fail(error):
        def tenant_by_slug(slug):
            raise error

        monkeypatch.setattr(directory, "tenant_by_slug", tenant_by_slug)

    return fail


@spec("RFC 9110", "15.6.4")
@pytest.mark.parametrize(
    ("path", "accept", "content_type"),
    [
        ("/login", "text/html", "text/html; charset=utf-8"),
        ("/jwks.json", "application/json", "application/json"),
        ("/token", "application/json", "application/json"),
        ("/api/v1/delegations", "application/json", "application/problem+json"),
    ],
)
def test_whoever_asks_while_the_database_is_away_is_told_when_to_ask_again(ask, away, path, accept, content_type):
    assert ask(path, accept).status_code != 503
    away(AWAY)
    answer = ask(path, accept)
    assert (answer.status_code, answer.headers["content-type"]) == (503, content_type)
    assert (answer.headers["retry-after"], answer.headers["cache-control"]) == ("2", "no-store")
    assert "secret" not in answer.text


@pytest.mark.parametrize(("error", "status"), [(AWAY, 503), (ValueError("a secret that somebody sent"), 500)])
def test_a_page_of_a_failure_says_by_which_word_the_log_knows_it(ask, away, error, status):
    away(error)
    answer = ask("/login", "text/html")
    assert answer.status_code == status
    assert f"<code>{answer.headers['x-request-id']}</code>" in answer.text
    assert "secret" not in answer.text


def test_a_page_says_so_in_words_and_may_do_nothing(ask, away):
    away(AWAY)
    page = ask("/login", "text/html")
    assert "Not available for a moment" in page.text
    assert "default-src 'none'" in page.headers["content-security-policy"]
    assert page.headers["x-frame-options"] == "DENY"


@spec("RFC 6749", "4.1.2.1")
def test_a_client_is_told_in_the_words_of_oauth(ask, away):
    away(AWAY)
    answer = ask("/jwks.json")
    assert answer.json()["error"] == "temporarily_unavailable"
    assert answer.headers["x-request-id"] in answer.json()["error_description"]


def test_any_other_error_stays_one_and_is_told_in_the_words_of_whoever_asks(ask, away):
    away(LookupError("a bug"))
    for path, accept, said in (
        ("/login", "text/html", "Something broke on our side"),
        ("/jwks.json", "application/json", "server_error"),
        ("/api/v1/delegations", "application/json", "Something went wrong here"),
    ):
        answer = ask(path, accept)
        assert (answer.status_code, answer.headers["cache-control"]) == (500, "no-store")
        assert said in answer.text
        assert "retry-after" not in answer.headers


@spec("RFC 9110", "8.5")
@pytest.mark.parametrize("error", [AWAY, LookupError("a bug")], ids=["away", "a bug"])
def test_a_page_of_a_failure_speaks_what_the_browser_asks_for(ask, away, error):
    away(error)
    answer = ask("/login", "text/html", "de-AT, de;q=0.9")
    assert "Sie haben nichts falsch gemacht." in answer.text
    assert answer.headers["content-language"] == "de"
    assert '<html lang="de">' in answer.text


def caused(error, cause):
    error.__cause__ = cause
    return error


@pytest.mark.parametrize(
    ("error", "is_one"),
    [
        (OperationalError("gone"), True),
        (InterfaceError("the connection is closed"), True),
        (caused(InternalError("read-only"), psycopg.errors.ReadOnlySqlTransaction()), True),
        (caused(OperationalError("full"), psycopg.errors.DiskFull()), True),
        (caused(InternalError("aborted"), psycopg.errors.InFailedSqlTransaction()), False),
        (LookupError("a bug"), False),
        (None, False),
    ],
    ids=["gone", "closed", "read-only", "full", "aborted", "a bug", "nothing"],
)
def test_what_counts_as_an_outage(error, is_one):
    assert outages.is_outage(error) is is_one
