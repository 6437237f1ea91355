"""A person who signed in a moment ago: the session that the sign-in page leaves, without playing it every time.

Each test process plays it once and keeps what it left; whatever names a person or a moment is made anew.
"""

import threading
import time
from importlib import import_module
from typing import Any

from django.conf import settings
from django.contrib.auth import HASH_SESSION_KEY, SESSION_KEY

from kit import context
from tenants import sign_ins
from tenants.models import Tenant, User
from tests.harness.browser import Browser

_left: dict[str, Any] = {}
"""What the one played sign-in left in its session."""
_METHODS, _WHOSE = "account_authentication_methods", "account_authentication_methods_user"
Session = import_module(settings.SESSION_ENGINE).SessionStore


def cookie(tenant: Tenant) -> str:
    return f"{settings.SESSION_COOKIE_NAME}-{tenant.slug}"


def enter(browser: Browser, tenant: Tenant, user: User, password: str) -> None:
    """Give this browser a session in which the person signed in with their password just now."""
    # A thread would leave the connection open by which it asked the database.
    is_a_thread = threading.current_thread() is not threading.main_thread()
    if _left and not is_a_thread:
        _write(browser, tenant, user)
        return
    _play(browser, tenant, user, password)
    if not is_a_thread:
        _remember(Session(browser.http.cookies[cookie(tenant)]).load())


def _write(browser: Browser, tenant: Tenant, user: User) -> None:
    # As the tenant: what counts the statements of a request inside this process has them alone, not a change of tenant.
    with context.use(tenant):
        user = User.objects.get(pk=user.pk)
        session = Session()
        session.update(_left)
        session["tenant"] = tenant.pk
        session[SESSION_KEY] = session[_WHOSE] = user.pk
        session[HASH_SESSION_KEY] = user.get_session_auth_hash()
        session[_METHODS] = [{"method": "password", "at": time.time(), "email": user.email}]
        # No row is kept of it: a test that counts rows may open a browser on the way.
        del session[sign_ins.KEPT]
        session.save()
    browser.http.cookies.set(cookie(tenant), session.session_key, domain="localhost.local")


def _play(browser: Browser, tenant: Tenant, user: User, password: str) -> None:
    browser.go(f"{tenant.issuer}/login")
    response = browser.sign_in(user.email, password)
    assert response.status_code == 200, response.text[:500]
    assert "/login" not in str(response.url), response.text[:1500]


def _remember(left: dict[str, Any]) -> None:
    named = {"tenant", SESSION_KEY, HASH_SESSION_KEY, _METHODS, _WHOSE, sign_ins.KEPT}
    assert named <= set(left), left
    assert [set(each) for each in left[_METHODS]] == [{"method", "at", "email"}]
    _left.update(left)
