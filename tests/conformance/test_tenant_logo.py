"""A tenant's logo: drawn anew of what somebody sent, under a name that changes with it, on the pages of its people."""

import base64
import io

from PIL import Image

from tenants.models import Tenant
from tests.conformance.test_resources_api import asker
from tests.harness import pictures
from tests.harness.footprint import leaves_only
from tests.spec import spec

SVG = b'<svg xmlns="http://www.w3.org/2000/svg"><script>alert(1)</script></svg>'


def put(ask, raw):
    return ask("PUT", "/settings/logo", {"picture": base64.b64encode(raw).decode()})


def send(world, browser, raw):
    """Send a file as the page's form does."""
    browser.go(world.url("/console/settings"))
    token = dict(browser.form("/settings/logo").fields)["csrfmiddlewaretoken"]
    return browser.http.post(
        world.url("/console/settings/logo"),
        data={"csrfmiddlewaretoken": token},
        files={"picture": ("logo.png", raw, "image/png")},
        headers={"Origin": world.origin},
    )


@spec("RFC 9111", "5.2.2")
def test_a_logo_stands_where_people_sign_in_and_its_address_changes_with_it(world, elsewhere):
    ask, ada = asker(world, "ada", "settings:read settings:write"), world.browser("ada")
    assert ask("GET", "/settings/logo").json() == {"url": ""}
    assert send(world, ada, pictures.picture("JPEG", (400, 200))).status_code == 302
    first = ask("GET", "/settings/logo").json()["url"]
    answer = world.http.get(first)
    assert (answer.status_code, answer.headers["content-type"]) == (200, "image/png")
    assert "immutable" in answer.headers["cache-control"]
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert "sandbox" in answer.headers["content-security-policy"]
    assert Image.open(io.BytesIO(answer.content)).size == (128, 64)
    place = first.removeprefix(world.origin)
    for page in ("/login", "/me/agents", "/console/settings"):
        assert f'src="{place}"' in (world.browser() if page == "/login" else ada).go(world.url(page)).text
    assert f'src="{place}"' in world.ask(world.public_client(), "alice").page.text
    assert world.http.get(elsewhere.url(f"/logo/{place.rpartition('/')[2]}")).status_code == 404
    second = put(ask, pictures.picture("WEBP")).json()["url"]
    assert (second != first, world.http.get(second).status_code, world.http.get(first).status_code) == (True, 200, 404)
    with leaves_only(world):
        assert put(ask, pictures.picture("WEBP")).status_code == 200
    ada.go(world.url("/console/settings"))
    ada.submit(ada.form("/logo/remove"))
    assert (ask("GET", "/settings/logo").json(), world.http.get(second).status_code) == ({"url": ""}, 404)
    names = [(each.principal_id, bool(each.detail["after"])) for each in world.entries("tenant.logo_changed")]
    assert names == [(world.people["ada"].pk, True)] * 2 + [(world.people["ada"].pk, False)]


@spec("RFC 9110", "15.5.21")
def test_what_is_no_small_picture_is_refused_and_leaves_nothing(world):
    ask, ada = asker(world, "ada", "settings:read settings:write"), world.browser("ada")
    hostile = {
        "svg": SVG,
        "page": b"<!doctype html><script>alert(1)</script>",
        "cut": pictures.picture()[:60],
        "bomb": pictures.bomb(20_000, 20_000),
        "large": b"\x89PNG\r\n\x1a\n" + b"x" * 40_000,
        "nothing": b"",
    }
    with leaves_only(world):
        for what, raw in hostile.items():
            assert send(world, ada, raw).status_code == 422, what
            assert put(ask, raw[:32_768]).status_code in {400, 422}, what
        assert ask("PUT", "/settings/logo", {"picture": "no base64"}).status_code == 400
    assert Tenant.objects.get(pk=world.tenant.pk).logo == ""


def test_who_may_only_look_sees_the_logo_and_no_way_to_change_it(world):
    world.rewrite(world.people["bob"], role="auditor")
    page = world.browser("bob").go(world.url("/console/settings")).text
    assert ('id="logo"' in page, "/settings/logo" in page) == (True, False)
