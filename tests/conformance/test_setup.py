"""The programs on a resource's setup page, as they stand there: each is started, and takes our tokens, only those."""

import contextlib
import html
import re
import types

import anyio
import httpx
import pytest
from django.core.asgi import get_asgi_application
from django.test import override_settings

from audit.principals import SYSTEM
from console.admin.setup import FRAMEWORKS, SECRET
from kit import context
from tenants import actions
from tests.conformance.test_resources_api import asker
from tests.harness.footprint import leaves_only
from tests.harness.world import CALENDAR_SCOPES
from tests.spec import spec

pytestmark = pytest.mark.once
NAMES = [each.name for each in FRAMEWORKS]
PATH = "/mcp"
NAME = "Rooms \"and\" 'more'</pre><b>"
"""Ends a text of Python and an element of HTML, wherever one of them is not written as it should be."""
CODE = re.compile(r'<pre class="raw whole" tabindex="0">(.*?)</pre>', re.DOTALL)
HELLO = {"jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": {"name": "hello", "arguments": {}}}


@pytest.fixture
def server(world, request):
    """A resource that is set up: how it checks tokens is the test's own choice."""
    fields = {"asks": {"token_format": "opaque"}}.get(request.param, {})
    with context.use(world.tenant):
        return actions.add_resource_server(
            f"https://{world.tenant.slug}.example{PATH}", NAME, CALENDAR_SCOPES, by=SYSTEM, **fields
        )


def program(world, browser, server, name):
    """Return what stands on the page, as a module that was imported."""
    page = browser.go(world.url(f"/console/resources/{server.pk}/setup?for={name}"))
    assert page.status_code == 200, page.text
    code = html.unescape(CODE.search(page.text)[1])
    made = types.ModuleType(f"server_{name}")
    exec(compile(code, f"{name}.py", "exec"), made.__dict__)
    return code, made


def answers(made, name, origin, tokens):
    """Return how a program answers each token (None: nothing is shown), its challenge to nobody, and its document."""
    if name == "django":
        with override_settings(
            ROOT_URLCONF=made,
            MIDDLEWARE=[],
            ALLOWED_HOSTS=["*"],
            FORCE_SCRIPT_NAME=None,
            DEBUG_PROPAGATE_EXCEPTIONS=True,
        ):
            return anyio.run(_ask, get_asgi_application(), name, origin, tokens)
    return anyio.run(_ask, made.app, name, origin, tokens)


async def _ask(app, name, origin, tokens):
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app=app), base_url=origin) as http, _alive(app):
        found = [await _call(http, name, token) for token in tokens]
        document = await http.get(f"/.well-known/oauth-protected-resource{PATH}")
    return found, document


async def _call(http, name, token):
    headers = {"Authorization": f"Bearer {token}"} if token else {}
    if "mcp" not in name:
        return await http.get(PATH, headers=headers)
    return await http.post(PATH, headers={**headers, "Accept": "application/json, text/event-stream"}, json=HELLO)


def _alive(app):
    return app.router.lifespan_context(app) if hasattr(app, "router") else contextlib.nullcontext()


@spec("RFC 9068", "4")
@pytest.mark.parametrize("server", ["checks", "asks"], indirect=True)
def test_the_program_on_the_page_takes_our_tokens_and_only_those(world, server, monkeypatch):
    reader, scout, ada = world.introspector(server), world.public_client(), world.browser("ada")
    monkeypatch.setenv(SECRET, reader.secret)
    own, other = (
        world.grant(scout, scope="events:read", resource=each.identifier)["access_token"]
        for each in (server, world.calendar)
    )
    lesser = world.grant(scout, scope="contacts:read", resource=server.identifier, prompt="consent")["access_token"]
    origin = server.identifier.removesuffix(PATH)
    named = f'resource_metadata="{origin}/.well-known/oauth-protected-resource{PATH}"'
    for name in NAMES:
        code, made = program(world, ada, server, name)
        assert reader.secret not in code
        (good, wrong, nobody, less), document = answers(made, name, origin, [own, other, None, lesser])
        assert (good.status_code, wrong.status_code, nobody.status_code) == (200, 401, 401), (name, good.text)
        assert world.people["alice"].pk in good.text, (name, good.text)
        assert less.status_code in {401, 403}, name
        assert named in nobody.headers["www-authenticate"], name
        said = document.json()
        assert (said["resource"], said["authorization_servers"]) == (server.identifier, [world.tenant.issuer]), name


@spec("RFC 7662", "2.1")
@pytest.mark.parametrize("server", ["asks"], indirect=True)
def test_whoever_may_gives_a_resource_the_client_it_asks_with_and_the_secret_before_is_refused(world, server):
    place = world.url(f"/console/resources/{server.pk}/setup")
    ada, secrets = world.browser("ada"), []
    ada.go(place)
    for _ in range(2):
        page = ada.submit(ada.form("setup/client"))
        assert (page.status_code, page.headers["cache-control"]) == (200, "no-store")
        secrets.append(re.search(r'<p class="codes"><code>([^<]+)</code>', page.text)[1])
    assert secrets[1] not in ada.go(place).text
    call, path = asker(world, "ada", "credentials:write"), f"/resources/{server.pk}/introspector"
    answer = call("POST", path)
    assert (answer.status_code, answer.headers["cache-control"]) == (201, "no-store")
    client_id = answer.json()["client_id"]
    tried = [(client_id, secret) for secret in (*secrets, answer.json()["client_secret"])]
    told = [world.http.post(world.url("/introspect"), data={"token": "x"}, auth=each).status_code for each in tried]
    assert told == [401, 401, 200]
    assert [world.entries(name)[-1].about_label for name in ("client.registered", "client.secret_changed")]
    world.rewrite(server, retired_at=server.created_at)
    with leaves_only(world):
        assert call("POST", path).status_code == 409
        assert ada.submit(ada.form("setup/client")).status_code == 409


@spec("RFC 9728", "3")
@pytest.mark.parametrize("server", ["checks"], indirect=True)
def test_a_document_that_is_served_here_is_named_and_not_served_twice(world, server):
    world.rewrite(server, hosts_metadata=True)
    code, _ = program(world, world.browser("ada"), server, "starlette")
    hosted = f"{world.tenant.issuer}/resource-metadata/{server.pk}"
    assert hosted in code
    assert world.http.get(hosted).json()["resource"] == server.identifier
    assert "DOCUMENT" not in code
