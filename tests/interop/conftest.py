"""The journey's cast: real MCP servers on free ports, an agent on the unmodified SDK, people in real Chromium.

The agent and the browsers live on an event loop of their own, so that tests read as what happens, one line after the
other, and may look into the database in between.
"""

from collections.abc import Iterator
from contextlib import ExitStack

import pytest
from anyio.from_thread import BlockingPortal, start_blocking_portal
from playwright.async_api import Browser, Playwright, async_playwright

from audit.principals import SYSTEM
from examples.running import protected_server
from kit import context
from tenants import actions as tenant_actions
from tests.harness import callback, chromium
from tests.harness.server import free_port
from tests.harness.world import CALENDAR_SCOPES, NOTES_SCOPES, World
from tests.interop import node_client
from tests.interop.cast import Cast, Server
from tests.interop.person import People, Person


@pytest.fixture(scope="session")
def portal() -> Iterator[BlockingPortal]:
    with start_blocking_portal() as portal:
        yield portal


@pytest.fixture(scope="session")
def browser(portal: BlockingPortal) -> Iterator[Browser]:
    async def launch() -> tuple[Playwright, Browser]:
        playwright = await async_playwright().start()
        return playwright, await playwright.chromium.launch(**chromium.options(is_shell_enough=True))

    playwright, browser = portal.call(launch)
    yield browser
    portal.call(browser.close)
    portal.call(playwright.stop)


@pytest.fixture
def serve() -> Iterator[object]:
    """Start an example server in a tenant, on a free port: serve(world, "calendar")."""
    with ExitStack() as stack:

        def start(world: World, kind: str = "calendar") -> Server:
            words = {"calendar": CALENDAR_SCOPES, "notes": NOTES_SCOPES}[kind]
            port = free_port()
            url = f"http://localhost:{port}/mcp"
            with context.use(world.tenant):
                row = tenant_actions.add_resource_server(url, kind.title(), words, by=SYSTEM)
            scopes = ("events:read", "events:write") if kind == "calendar" else ("notes:read", "notes:write")
            stack.enter_context(protected_server(port, world.tenant.issuer, kind.title(), *scopes))
            return Server(url, row)

        yield start


@pytest.fixture
def cast(portal: BlockingPortal, browser: Browser) -> Iterator[object]:
    """Bring an agent and the people of a tenant together: cast(world)."""
    with ExitStack() as stack:

        def gather(world: World) -> Cast:
            made = Cast(world, portal, browser, stack.enter_context(callback.listening()))
            stack.callback(made.close)
            return made

        yield gather


@pytest.fixture
def alice(world: World, portal: BlockingPortal, browser: Browser) -> Iterator[Person]:
    """A person who is asked, for clients that wait outside of the event loop."""
    people = People(world, browser)
    yield Person("alice", people, portal)
    portal.call(people.close)


@pytest.fixture
def redirect() -> Iterator[str]:
    """Where an agent on this computer waits for the person to come back."""
    with callback.listening() as address:
        yield address


@pytest.fixture
def node() -> Iterator[object]:
    """Start a client of the npm registry: node("mcp_sdk")."""
    if node_client.missing():
        pytest.skip(node_client.missing())
    with ExitStack() as stack:
        yield lambda script: stack.enter_context(node_client.running(script))
