"""What a person does on a page, an app of theirs does over the API: the same rows change, and the ledger says the same.

Each case of tests/harness/twins is played from the same rows of one tenant, once by either way. That there is one for
each form of a page and each endpoint of it is shown by tests/architecture/test_every_action.py.
"""

import pytest

from audit import export
from kit import context
from notices import streams
from tests.attacks.test_every_address import ALL_SCOPES
from tests.conformance.test_api import api_token
from tests.harness.footprint import kept
from tests.harness.twins import CASES
from tests.harness.twins.alike import MASKED, differences, left_by
from tests.harness.twins.playing import Hands, taken_back
from tests.harness.twins.scenes import full
from tests.harness.twins.trust import HUSH
from tests.spec import spec

pytestmark = pytest.mark.xdist_group("twins")


@pytest.fixture(scope="module")
def hands(origin, http, documents):
    """A tenant with an object of every kind; its people are signed in, and each has an app that may do everything."""
    world, names = full(origin, http, documents)
    cookies = {name: world.browser(name).http.cookies for name in world.people}
    app = world.public_client("Console app")
    yield Hands(world, names, cookies, {name: api_token(world, app, name, ALL_SCOPES) for name in world.people})
    world.close()


@spec("RFC 9700", "2.3")
@pytest.mark.parametrize("case", CASES, ids=str)
def test_what_is_done_on_a_page_and_over_the_api_is_the_same_and_is_told_alike(hands, case, monkeypatch):
    for each in (streams, export):
        monkeypatch.setattr(each, "MOST", 0)  # So that the pages of lists offer that the clock writes them.
    world = hands.world
    with taken_back(), context.use(world.tenant):
        names = hands.names | (case.scene(world, hands.names) or {} if case.scene else {})
        page = left_by(world, lambda: hands.press(case, names))
        api = left_by(world, lambda: hands.ask(case, names))
    found = differences(page, api)
    assert not found, "\n".join(found)
    assert {each["principal_id"] for each in page.told} <= {world.people[case.person].pk}
    assert HUSH not in str([page, api])
    assert bool(page.rows) != bool(case.no_row), page.rows
    assert bool(page.told) != bool(case.not_told), page.told


def test_what_is_not_compared_is_a_column_that_there_is():
    columns = {f"{table}.{field.attname}" for table, model in kept().items() for field in model._meta.concrete_fields}
    assert {".".join(each.split(".")[:2]) for each in MASKED} - columns == set()
