"""A whole journey with known secrets, at the chattiest log level: none of them is left anywhere."""

import os
import subprocess
import sys
from dataclasses import dataclass, field

import pytest
from django.conf import settings as product
from django.contrib.auth.hashers import make_password

from audit.events import Event
from audit.ledger import record
from audit.principals import SYSTEM
from kit import context
from tenants.models import User
from tests.harness import everything, leaks, server
from tests.harness.browser import answer
from tests.harness.world import World, make, pkce

pytestmark = pytest.mark.xdist_group("a journey that is logged")

VISIBLE = "a-canary-that-may-be-seen"


@dataclass
class Journey:
    """What was said in secret, by name, and what the server wrote meanwhile."""

    world: World
    secrets: dict[str, str] = field(default_factory=dict)
    sessions: dict[str, str] = field(default_factory=dict)
    log: str = ""
    rows: dict[str, list[str]] = field(default_factory=dict)

    def keep(self, name, secret):
        assert secret, name
        self.secrets[f"{name} {len(self.secrets)}"] = secret
        return secret

    def keep_tokens(self, answered):
        for name in ("access_token", "id_token"):
            if name in answered:
                self.keep(name, answered[name])
                self.keep(f"{name}'s signature", answered[name].rpartition(".")[2])
        if "refresh_token" in answered:
            self.keep("refresh_token's secret", answered["refresh_token"].rpartition(".")[2])
        return answered


@pytest.fixture(scope="module")
def journey(http, _database):
    """Everything that people and agents do, against a server that logs all it can."""
    port = str(server.free_port())
    origin = f"http://localhost:{port}"
    before = server.LOG.stat().st_size if server.LOG.exists() else 0
    patched = pytest.MonkeyPatch()
    patched.setattr(product, "PUBLIC_ORIGIN", origin)
    extra = {"REMIT_PUBLIC_ORIGIN": origin, "REMIT_LOG_LEVEL": "DEBUG"}
    with server.running(extra=extra, port=port):
        travelled = Journey(make(origin, http))
        _configure(travelled)
        _a_person_allows(travelled)
        _an_agent_works(travelled)
        _things_go_wrong(travelled)
        travelled.world.close()
    patched.undo()
    with server.LOG.open(errors="replace") as log:
        log.seek(before)
        travelled.log = log.read()
    travelled.rows = everything.rows()
    return travelled


def _configure(journey):
    password = journey.keep("password", "canary password of a quiet person")
    alice = journey.world.people["alice"].user
    User.objects.filter(pk=alice.pk).update(password=make_password(password))
    for name in ("REMIT_SEALING_KEYS", "REMIT_SECRET_KEY"):
        journey.keep(name, os.environ[name])


def _sign_in(journey):
    browser = journey.world.browser()
    browser.go(journey.world.url("/login"))
    browser.sign_in(journey.world.email("alice"), journey.secrets["password 0"])
    for cookie in browser.http.cookies.jar:
        # No session: by which way somebody came in last (`way-…` says "password"), and a mark that compares people.
        if cookie.name.startswith("mark-"):
            journey.keep("mark of who signed in", cookie.value)
        elif "csrf" not in cookie.name and "way-" not in cookie.name:
            journey.sessions[cookie.name] = cookie.value
    return browser


def _code(journey, who, **changes):
    world, browser = journey.world, _sign_in(journey)
    verifier, challenge = pkce()
    browser.go(world.authorize_url(who, challenge, scope="openid offline_access events:read", **changes))
    if browser.page.status_code != 303:
        browser.decide(duration="week")
    code = answer(browser.page)["code"]
    journey.keep("verifier", verifier)
    return journey.keep("code", code), verifier


def _a_person_allows(journey):
    world = journey.world
    scout, ledger = world.public_client(), world.secret_client()
    journey.keep("client secret", ledger.secret)
    for who in (scout, ledger):
        code, verifier = _code(journey, who)
        first = journey.keep_tokens(world.redeem(who, code, verifier).json())
        second = journey.keep_tokens(world.refresh(who, first["refresh_token"]).json())
        bearer = {"Authorization": f"Bearer {second['access_token']}"}
        world.http.get(world.url("/userinfo"), headers=bearer)
        world.http.get(world.url("/api/v1/self"), headers=bearer)
        world.redeem(who, code, verifier)
        world.refresh(who, first["refresh_token"])
        world.http.post(world.url("/revoke"), data={"token": second["refresh_token"], "client_id": who.id})


def _an_agent_works(journey):
    world = journey.world
    worker, introspector = world.worker(), world.introspector()
    for who in (worker, introspector):
        journey.keep("client secret", who.secret)
    token = journey.keep_tokens(world.own_token(worker).json())["access_token"]
    world.introspect(introspector, token)
    world.http.get(world.url("/api/v1/self"), params={"access_token": token})
    document = {"client_name": "Own", "redirect_uris": ["https://own.example/cb"]}
    registered = world.http.post(world.url("/register"), json=document).json()
    journey.keep("registered secret", registered["client_secret"])


def _things_go_wrong(journey):
    world = journey.world
    worker = world.worker()
    secret = journey.keep("client secret", worker.secret)
    form = {"grant_type": "client_credentials", "client_id": worker.id, "client_secret": secret}
    world.http.post(world.url("/token"), params=form)
    world.http.post(world.url("/token"), json=form)
    world.http.post(world.url("/token"), data={**form, "scope": "no:such"}, auth=("x", secret))
    world.http.post(world.url("/token"), data={**form, "grant_type": VISIBLE, "client_id": VISIBLE})
    world.http.post(world.url("/token"), headers={"Authorization": f"Bearer {secret}"})
    world.http.post(world.url("/introspect"), data={"token": secret}, auth=(worker.id, secret + "x"))
    wrong = journey.keep("mistyped password", "canary password, mistyped")
    browser = world.browser()
    browser.go(world.url("/login"))
    browser.sign_in(world.email("alice"), wrong)
    with context.use(world.tenant):
        record(Event.SIGN_IN_REFUSED, by=SYSTEM, reason=VISIBLE)


# --- first: would it be seen?


def test_what_the_server_logs_is_seen(journey):
    assert VISIBLE in journey.log


def test_at_the_chattiest_level_every_logger_is_heard_but_those_that_print_secrets():
    names = ("remit.door", "any.library", "oauthlib.oauth2", "oauth2_provider", "django.db.backends")
    say = f"import django, logging; django.setup(); [logging.getLogger(n).debug('said by ' + n) for n in {names!r}]"
    environment = {**os.environ, "DJANGO_SETTINGS_MODULE": "remit.settings", "REMIT_LOG_LEVEL": "DEBUG"}
    environment["PYTHONPATH"] = f"platform{os.pathsep}."
    done = subprocess.run(
        [sys.executable, "-c", say], cwd=server.ROOT, env=environment, capture_output=True, text=True, check=True
    )
    assert [name for name in names if f"said by {name}" in done.stderr] == ["remit.door", "any.library"]


def test_what_stands_in_a_row_is_seen(journey):
    assert "audit_entry" in everything.tables_with(VISIBLE, journey.rows)
    assert everything.tables_with(journey.world.tenant.slug, journey.rows) >= {"tenants_tenant", "tenants_user"}


def test_the_journey_was_made(journey):
    kinds = {name.rsplit(" ", 1)[0] for name in journey.secrets}
    assert len(journey.secrets) > 30
    assert kinds >= {
        "password", "client secret", "registered secret", "code", "verifier", "access_token", "id_token",
        "refresh_token's secret", "REMIT_SEALING_KEYS", "REMIT_SECRET_KEY",
    }  # fmt: skip
    events = {entry.event for entry in journey.world.entries()}
    assert events >= {"token.issued", "token.refused", "token.family_revoked", "delegation.allowed"}


# --- then: nothing is


def test_no_secret_is_logged(journey):
    everybody = {**journey.secrets, **journey.sessions}
    assert [name for name, secret in everybody.items() if secret in journey.log] == []


def test_no_secret_is_stored(journey):
    found = {name: everything.tables_with(secret, journey.rows) for name, secret in journey.secrets.items()}
    assert {name: tables for name, tables in found.items() if tables} == {}


def test_a_session_is_stored_as_its_own_key_and_nowhere_else(journey):
    """As Django keeps them: whoever reads the table can take a session over until it ends."""
    assert journey.sessions
    for key in journey.sessions.values():
        assert everything.tables_with(key, journey.rows) == {"django_session"}


def test_a_password_is_stored_as_a_slow_hash(journey):
    user = User.objects.get(pk=journey.world.people["alice"].user_id)
    assert user.password.startswith("scrypt$")
    assert user.check_password(journey.secrets["password 0"])


def test_the_log_is_one_object_a_line_whatever_strangers_send(journey):
    assert "\x1b" not in journey.log
    assert "Traceback" not in [line[:9] for line in journey.log.splitlines()]


def test_what_the_end_of_the_suite_looks_for_is_what_tokens_look_like(world):
    scout = world.public_client()
    tokens = world.grant(scout, scope="openid events:read offline_access")
    for name, form in (
        ("access_token", "a signed JWT"),
        ("id_token", "a signed JWT"),
        ("refresh_token", "a refresh token"),
    ):
        assert leaks.found_in(f"said: {tokens[name]}") == [form]
