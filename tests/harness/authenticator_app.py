"""The app on a person's phone, and what they do with it and with their recovery codes over HTTP."""

import base64
import hashlib
import hmac
import re
import struct
import time

import httpx
from allauth.mfa.models import Authenticator

from tests.harness.browser import Browser
from tests.harness.world import PASSWORD, World


def code(secret: str, *, steps: int = 0) -> str:
    """Return what an app shows now, or so many steps of the clock from now (RFC 6238 §4, RFC 4226 §5.3)."""
    counter = struct.pack(">Q", int(time.time()) // 30 + steps)
    digest = hmac.new(base64.b32decode(secret), counter, hashlib.sha1).digest()
    start = digest[-1] & 15
    number = struct.unpack(">I", digest[start : start + 4])[0] & 0x7FFFFFFF
    return f"{number % 1_000_000:06}"


def add(world: World, browser: Browser) -> str:
    """Add an app to the account of whoever is signed in, and return its secret."""
    browser.go(world.url("/me/security/app/add"))
    if "/login/again" in str(browser.page.url):
        browser.submit(browser.form("/login/again"), {"password": PASSWORD})
    secret = re.search(r"<code>([A-Z2-7 ]+)</code>", browser.page.text)[1].replace(" ", "")
    browser.submit(browser.form("/app/add"), {"code": code(secret)})
    assert str(browser.page.url).endswith("/recovery-codes"), browser.page.text[-3000:]
    return secret


def recovery_codes(browser: Browser) -> list[str]:
    """Return the codes on the page that is open."""
    return re.findall(r"<code>(\d{8})</code>", browser.page.text)


def forget_steps(world: World, name: str) -> None:
    """Let the clock of a person's app go on, as far as used codes are concerned."""
    app = Authenticator.objects.get(user=world.people[name].user, type=Authenticator.Type.TOTP)
    app.data["step"] -= 10
    app.save()


def after_password(world: World, name: str, path: str = "/login") -> Browser:
    """Return a browser that stands before the second factor."""
    browser = world.browser()
    browser.go(world.url(path))
    browser.sign_in(world.email(name), PASSWORD)
    assert str(browser.page.url).endswith("/login/second-factor"), browser.page.text[-2000:]
    return browser


def prove(browser: Browser, typed: str) -> httpx.Response:
    """Type a code into the page that asks for one."""
    form = next(form for form in browser.forms() if "code" in dict(form.fields))
    return browser.submit(form, {"code": typed})


def is_signed_in(world: World, browser: Browser) -> bool:
    """Say whether a page for members opens."""
    return "/login" not in str(browser.go(world.url("/me/agents")).url)
