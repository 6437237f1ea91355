"""Real clients, unmodified, by each way in which one comes to be known: they ask a person, get in, and refresh."""

import json
import secrets
import shutil
import subprocess
import threading
import webbrowser
from contextlib import contextmanager, suppress
from typing import Any
from urllib.parse import parse_qs, urlsplit

import anyio
import httpx
import pytest
from authlib.integrations.httpx_client import OAuth2Client
from fastmcp import Client as FastMCP
from fastmcp.client.auth import OAuth
from mcp.client.auth import OAuthClientProvider
from mcp.shared.auth import AuthorizationCodeResult, OAuthClientInformationFull, OAuthClientMetadata

from agents import actions as agent_actions
from audit.principals import SYSTEM
from examples.agent.agent import Errand, Keeping
from examples.running import protected_server
from kit import context
from kit.oauth import GrantType
from tenants import actions as tenant_actions
from tests.harness.keyholder import document
from tests.harness.server import free_port
from tests.harness.world import CALENDAR_SCOPES, REDIRECT, Credentials, make
from tests.interop.node_client import HERE, LOG
from tests.interop.person import comes_back
from tests.interop.ways import DOCUMENT, DYNAMIC, MANUAL, each_way
from tests.spec import spec

pytestmark = pytest.mark.interop
VERIFIER = "a-verifier-of-forty-three-characters-or-more"
GRANTS = ["authorization_code", "refresh_token"]


@pytest.fixture(scope="module")
def world(origin, http):
    """One tenant for all of them: each is a client of its own in it."""
    world = make(origin, http)
    yield world
    world.close()


@pytest.fixture(scope="module")
def server(world):
    """The URL of an MCP server."""
    port = free_port()
    url = f"http://localhost:{port}/mcp"
    with context.use(world.tenant):
        tenant_actions.add_resource_server(url, "Calendar", CALENDAR_SCOPES, by=SYSTEM)
    with protected_server(port, world.tenant.issuer, "Calendar", "events:read", "events:write"):
        yield url


@pytest.fixture
def known(world, documents):
    """Make a client known: known(way, redirect) → its credentials, or None where it registers itself."""

    def introduced(way, redirect=REDIRECT):
        if way == MANUAL:
            grants = tuple(map(GrantType, GRANTS))
            with context.use(world.tenant):
                client, secret = agent_actions.register_agent(
                    "Planner", by=SYSTEM, redirect_uris=(redirect,), grant_types=grants
                )
            return Credentials(client, secret)
        if way == DYNAMIC:
            return None
        path = f"/{world.tenant.slug}/{secrets.token_hex(4)}"
        document(documents, path, redirect_uris=[redirect])
        return documents.url(path)

    return introduced


def assert_known(world, way, who):
    """Check that the newest delegation is this client's, and how it came to be known."""
    with context.use(world.tenant):
        client = world.delegations()[-1].client
    assert client.registration_source == {MANUAL: "manual", DYNAMIC: "dcr", DOCUMENT: "cimd"}[way]
    assert who is None or client.client_id == (who.id if way == MANUAL else who)


@spec("MCP", "authorization")
@each_way("MCP Python SDK", MANUAL, DYNAMIC, DOCUMENT)
def test_the_python_sdk_gets_in_and_refreshes(world, server, portal, known, way):
    who = known(way)
    errand = python_sdk(world, server, who, way)

    async def call_twice():
        first = await errand.call("list_events")
        errand.expire()
        return first, await errand.call("list_events")

    said = portal.call(call_twice)
    assert all(f"for {world.people['alice'].pk} through agt_" in each for each in said)
    assert_known(world, way, who)


def python_sdk(world, url, who, way):
    """Return the SDK's provider at work for alice, whose browser has scripts off."""
    answers = []

    async def show(asked):
        back = await anyio.to_thread.run_sync(comes_back, world, asked)
        answers.append({name: values[0] for name, values in parse_qs(urlsplit(back).query).items()})

    async def answered():
        found = answers.pop()
        return AuthorizationCodeResult(code=found["code"], state=found["state"], iss=found["iss"])

    keeping = Keeping({}, url)
    method = "client_secret_basic" if way == MANUAL else "none"
    metadata = OAuthClientMetadata(
        client_name="Planner", redirect_uris=[REDIRECT], grant_types=GRANTS, token_endpoint_auth_method=method
    )
    if way == MANUAL:
        words = {**metadata.model_dump(exclude_none=True), "issuer": world.tenant.issuer}
        keeping.client = OAuthClientInformationFull(client_id=who.id, client_secret=who.secret, **words)
    further = {"client_metadata_url": who} if way == DOCUMENT else {}
    return Errand(OAuthClientProvider(url, metadata, keeping, show, answered, **further), keeping, None)


@spec("MCP", "authorization")
@each_way("FastMCP", MANUAL, DYNAMIC, DOCUMENT)
@pytest.mark.filterwarnings("ignore:Using in-memory token storage")
def test_fastmcp_gets_in_and_refreshes(world, server, portal, known, way):
    who = known(way, "http://localhost/callback")
    options = {
        MANUAL: lambda: {"client_id": who.id, "client_secret": who.secret, "issuer": world.tenant.issuer},
        DYNAMIC: dict,
        DOCUMENT: lambda: {"client_metadata_url": who},
    }[way]()

    async def call_twice():
        auth = OAuth(**options)
        async with FastMCP(server, auth=auth) as client:
            first = await client.call_tool("list_events", {})
            auth.context.token_expiry_time = 1.0
            second = await client.call_tool("list_events", {})
        return [result.content[0].text for result in (first, second)]

    with opened_by_alice(world):
        said = portal.call(call_twice)
    assert all(f"for {world.people['alice'].pk} through agt_" in each for each in said)
    assert_known(world, way, who)


@contextmanager
def opened_by_alice(world):
    """Let whatever this process shows in a web browser be seen by alice, who allows it."""

    class Browser(webbrowser.BaseBrowser):
        def open(self, url, new=0, autoraise=True):
            threading.Thread(target=allow, args=(world, url)).start()
            return True

    before = webbrowser.open
    webbrowser.register("alice", None, Browser("alice"), preferred=True)
    try:
        yield
    finally:
        assert webbrowser.open is before
        webbrowser._tryorder.remove("alice")


def allow(world, url):
    """Let alice allow a request, and come back to an agent that listens, or will soon."""
    back = comes_back(world, url)
    while True:
        with suppress(httpx.ConnectError):
            httpx.get(back, timeout=10)
            return


@spec("MCP", "authorization")
@each_way("mcp-remote", MANUAL, DYNAMIC, DOCUMENT)
@pytest.mark.usefixtures("node")
def test_mcp_remote_gets_in_and_a_second_process_asks_nobody(world, server, known, way, tmp_path):
    port = free_port()
    who = known(way, f"http://localhost:{port}/oauth/callback")
    options = {
        MANUAL: lambda: ["--static-oauth-client-info", json.dumps({"client_id": who.id, "client_secret": who.secret})],
        DYNAMIC: list,
        DOCUMENT: lambda: ["--client-metadata-url", who],
    }[way]()
    said = Proxy(tmp_path, server, port, options).call(world, "list_events")
    issued = len(world.entries("token.issued"))
    again = Proxy(tmp_path, server, port, options).call(world, "list_events")
    assert f"for {world.people['alice'].pk} through agt_" in said
    assert (again, len(world.entries("token.issued"))) == (said, issued)
    assert_known(world, way, who)


class Proxy:
    """mcp-remote between us and a server: JSON-RPC on its standard input, what it tells people on its standard error.

    It finds no browser on its path, and says the address instead.
    """

    def __init__(self, folder, url, port, options):
        proxy = HERE / "node_modules/mcp-remote/dist/proxy.js"
        self._command = [shutil.which("node"), proxy, url, str(port), *options]
        self._environment = {"MCP_REMOTE_CONFIG_DIR": str(folder), "HOME": str(folder), "PATH": str(folder)}

    def call(self, world, tool):
        pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "stderr": subprocess.PIPE}
        with subprocess.Popen(self._command, env=self._environment, text=True, **pipes) as process:
            told = threading.Thread(target=self._listen, args=(world, process.stderr))
            told.start()
            try:
                self._say(process, id=1, method="initialize", params=HELLO)
                self._hear(process, 1)
                self._say(process, method="notifications/initialized")
                self._say(process, id=2, method="tools/call", params={"name": tool, "arguments": {}})
                return self._hear(process, 2)["content"][0]["text"]
            finally:
                process.terminate()
                told.join()

    def _say(self, process, **message: Any):
        print(json.dumps({"jsonrpc": "2.0", **message}), file=process.stdin, flush=True)

    def _hear(self, process, number):
        for line in process.stdout:
            message = json.loads(line)
            if message.get("id") == number:
                return message["result"]
        raise AssertionError(LOG.read_text()[-2000:])

    def _listen(self, world, said):
        with LOG.open("a") as log:
            for line in said:
                log.write(line)
                if line.startswith("http") and "/authorize?" in line:
                    threading.Thread(target=allow, args=(world, line.strip())).start()


HELLO = {"protocolVersion": "2025-11-25", "capabilities": {}, "clientInfo": {"name": "planner", "version": "1"}}


@spec("RFC 9068", "4")
@each_way("oauth4webapi", MANUAL, DYNAMIC, DOCUMENT)
def test_oauth4webapi_gets_in_refreshes_and_takes_the_token_for_good(world, node, known, way):
    agent, who = node("oauth4webapi"), known(way)
    introduce(agent, "know", world, who, way)
    audience = world.calendar.identifier
    asked = agent.ask("authorize", redirect=REDIRECT, scope="events:read", resource=audience)
    first = agent.ask("back", url=comes_back(world, asked["authorize"]))
    assert agent.ask("refresh")["refresh_token"] != first["refresh_token"]
    assert agent.ask("judge", audience=audience)["sub"] == world.people["alice"].pk
    assert_known(world, way, who)


@spec("RFC 6749", "4.1")
@each_way("openid-client", MANUAL, DOCUMENT)
def test_openid_client_gets_in_and_refreshes(world, node, known, way):
    agent, who = node("openid_client"), known(way)
    introduce(agent, "discover", world, who, way)
    asked = agent.ask("authorize", redirect=REDIRECT, scope="events:read", resource=world.calendar.identifier)
    first = agent.ask("back", url=comes_back(world, asked["authorize"]))
    assert agent.ask("refresh")["refresh_token"] != first["refresh_token"]
    assert_known(world, way, who)


def introduce(agent, verb, world, who, way):
    """Tell a client of the npm registry who it is, or have it register itself."""
    if way == DYNAMIC:
        agent.ask("register", issuer=world.tenant.issuer, redirect=REDIRECT)
    elif way == MANUAL:
        agent.ask(verb, issuer=world.tenant.issuer, id=who.id, secret=who.secret)
    else:
        agent.ask(verb, issuer=world.tenant.issuer, id=who)


@spec("RFC 6749", "4.1")
@each_way("Authlib", MANUAL, DOCUMENT)
def test_authlib_gets_in_and_refreshes(world, known, way):
    who = known(way)
    own = (who.id, who.secret) if way == MANUAL else (who, None)
    method = "client_secret_basic" if way == MANUAL else "none"
    endpoint = {"token_endpoint": world.url("/token"), "token_endpoint_auth_method": method}
    with OAuth2Client(*own, redirect_uri=REDIRECT, code_challenge_method="S256", **endpoint) as client:
        words = {"scope": "events:read", "resource": world.calendar.identifier, "code_verifier": VERIFIER}
        url, _ = client.create_authorization_url(world.url("/authorize"), **words)
        first = client.fetch_token(authorization_response=comes_back(world, url), code_verifier=VERIFIER)
        assert client.refresh_token()["refresh_token"] != first["refresh_token"]
    assert_known(world, way, who)
