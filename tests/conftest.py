"""What tests stand on: a database of this process's own, the product on a socket, and a tenant for each test.

Nothing is rolled back or truncated. Each test opens a tenant of its own, as the product promises that tenants do not
meet; so commits are real, and tests run side by side.
"""

import os
from collections.abc import Iterator

import httpx
import pytest
from django.conf import settings
from hypothesis import settings as hypothesis

from tests import settings as test_settings
from tests.harness import company, database, hostile, key_pool, leaks, server
from tests.harness.world import World, make
from tokens import caches

# No clock decides over a property, and nothing is kept between runs.
hypothesis.register_profile("remit", deadline=None, database=None)
hypothesis.load_profile("remit")


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--sentences", action="store_true", help="of a test with many parameters, play the first ones")


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Begin with the longest, which would keep one worker alone at the end; then go through every tenant.

    Thousands of tenants are there once the others have played: each walk through all of them would take a minute.
    """
    if config.getoption("sentences"):
        first = {item.nodeid.partition("[")[0]: item for item in reversed(items)}
        items[:] = [item for item in items if first[item.nodeid.partition("[")[0]] is item]
    items.sort(key=lambda item: 0 if "/properties/" in item.nodeid else 1 if item.get_closest_marker("walks") else 2)


@pytest.fixture(scope="session", autouse=True)
def _database(django_db_blocker: pytest.FixtureRequest) -> Iterator[None]:
    with django_db_blocker.unblock():
        server.LOG.unlink(missing_ok=True)
        database.make()
        key_pool.install()
        yield
        leaks.assert_the_suite_left_none()
        database.close()


@pytest.fixture(autouse=True)
def _fresh_caches() -> None:
    caches.forget_all()


@pytest.fixture(scope="session")
def documents() -> Iterator[hostile.Hostile]:
    """Where agents' metadata documents and keys lie: https on a loopback port that the server may fetch from."""
    with hostile.serving(test_settings.FOLDER, int(os.environ["REMIT_TEST_DOCUMENTS_PORT"])) as server:
        yield server


@pytest.fixture(scope="session")
def initech(documents: hostile.Hostile) -> Iterator[company.Elsewhere]:
    """A company's own provider, which another library runs over https on a loopback port."""
    with company.serving(documents.ca_file) as provider:
        yield provider


@pytest.fixture(scope="session")
def origin(_database: None, documents: hostile.Hostile) -> Iterator[str]:
    """The live server's origin."""
    with server.running() as origin:
        yield origin


@pytest.fixture(scope="session")
def http(origin: str) -> Iterator[httpx.Client]:
    with httpx.Client(timeout=20) as client:
        yield client


@pytest.fixture
def world(origin: str, http: httpx.Client) -> Iterator[World]:
    """A tenant of this test's own."""
    world = make(origin, http)
    yield world
    world.close()


@pytest.fixture
def elsewhere(origin: str, http: httpx.Client) -> Iterator[World]:
    """A second tenant beside it."""
    world = make(origin, http)
    yield world
    world.close()


@pytest.fixture
def vendor() -> str:
    return "postgresql" if settings.IS_POSTGRESQL else "sqlite"
