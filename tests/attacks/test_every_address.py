"""Every address there is, read from the URL maps: another tenant's objects are not there, and a role opens its own.

A new address is covered as soon as it is in a map; one whose ids nobody named a kind for fails until somebody does.
"""

from datetime import timedelta
from urllib.parse import urlsplit

import pytest
from django.conf import settings
from django.test import Client as InProcess
from django.utils import timezone

from api.keepers import ForReaders, ForRoles
from kit import context
from tenants.models import Membership
from tenants.roles import TABLE, Act
from tests.conformance.test_api import api_token
from tests.harness import addresses, filling
from tests.harness.addresses import KINDS, Kind
from tests.harness.footprint import leaves_only
from tests.harness.world import make
from tests.spec import spec
from tokens.opening import API_SCOPES

pytestmark = pytest.mark.xdist_group("every address")

ALL_SCOPES = " ".join(words.name for words in API_SCOPES)
FOR_PEOPLE = (ForRoles, ForReaders)
WORDS = {
    "credentials/credential_id": "nobody",
    "scopes/name": "events:read",
    "events/form": "csv",
    "delegations/form": "csv",
    "activity/form": "csv",
    "export/form": "csv",
    "file/form": "csv",
}
NOTHING = {**WORDS, **{name: kind.none for name, kind in KINDS.items() if isinstance(kind, Kind)}}
_TABLE = {
    "admin": {act.value for act in Act},
    "security": {act.value for act in Act} - {"admins:appoint", "tenant:pause"},
    "approver": {act.value for act in Act if act.value.endswith(":read")} | {"approvals:decide"},
    "developer": {"resources:read", "resources:write"},
    "auditor": {act.value for act in Act if act.value.endswith(":read")},
    "member": set(),
}


@pytest.fixture(scope="module")
def both(origin, http):
    """Two tenants with an object of every kind, and a token of each one's admin that may do everything."""
    stages = []
    for _ in range(2):
        world = make(origin, http)
        scout = world.public_client()
        world.grant(scout, scope="events:read offline_access")
        with context.use(world.tenant):
            filling.of_trust_and_arrivals(world, scout.client)
            filling.of_addresses(world)
        stages.append((world, api_token(world, world.public_client("Console app"), "ada", ALL_SCOPES)))
    yield stages
    for world, _ in stages:
        world.close()


def send(world, token, method, path):
    headers = {"Authorization": f"Bearer {token}"}
    body = None if method == "GET" else {}
    return world.http.request(method, world.url(path), headers=headers, json=body)


def told(answer):
    """Return what an answer tells, without the name of the request."""
    return answer.status_code, {name: value for name, value in answer.json().items() if name != "instance"}


@spec("RFC 9700", "2.3")
def test_every_id_in_every_address_is_of_a_kind_that_is_named():
    named = {place for address in (*addresses.api(), *addresses.pages()) for place in address.places}
    assert named - KINDS.keys() == set(), "name its kind in tests/harness/addresses.py"
    assert KINDS.keys() - named == set(), "no address has these any more"


@spec("RFC 9700", "2.3")
def test_an_object_of_another_tenant_is_not_there_whatever_one_asks_of_it_over_the_api(both):
    (world, _), (other, token) = both
    theirs, ours = addresses.ids_in(world), {**WORDS, **addresses.ids_in(other)}
    asked = 0
    with leaves_only(world), leaves_only(other):
        for address in addresses.api():
            for place in address.places:
                if not isinstance(KINDS[place], Kind):
                    continue
                for method in addresses.methods(address):
                    foreign = send(other, token, method, address.filled({**ours, place: theirs[place]}))
                    never = send(other, token, method, address.filled({**ours, place: KINDS[place].none}))
                    # Some read first what is said: they tell nothing of an id then, whoever's it is.
                    expected = {404} if method in {"GET", "DELETE"} else {404, 400}
                    assert foreign.status_code in expected, (method, address.route, foreign.text)
                    assert told(foreign) == told(never), (method, address.route)
                    asked += 1
    assert asked > 40


@spec("RFC 9700", "2.3")
def test_the_same_ids_are_there_at_home(both):
    (world, token), _ = both
    ids = {**WORDS, **addresses.ids_in(world)}
    for address in addresses.api():
        if address.places and "GET" in addresses.methods(address) and _takes_a_role(address):
            answer = send(world, token, "GET", address.filled(ids))
            assert answer.status_code == 200, (address.route, answer.text)


def _takes_a_role(address):
    """Say whether a role lets somebody in; other addresses answer whomever it concerns, and little concerns ada."""
    return bool(getattr(address.view.view_class, "acts", None))


@spec("RFC 9700", "2.3")
def test_an_object_of_another_tenant_is_not_there_on_the_pages(both):
    (world, _), (other, _) = both
    theirs, ours = addresses.ids_in(world), {**WORDS, **addresses.ids_in(other)}
    browser = other.browser("ada")
    browser.go(other.url("/logout"))
    form = browser.form("/logout")
    with leaves_only(world), leaves_only(other):
        for address in addresses.pages():
            for place in address.places:
                if not isinstance(KINDS[place], Kind):
                    continue
                path = address.filled({**ours, place: theirs[place]})
                seen = _told(browser.go(other.url(path)))
                form.action = f"/t/{other.tenant.slug}{path}"
                done = _told(browser.submit(form))
                assert {seen, done} <= {404, 405}, (address.route, seen, done)
                assert 404 in {seen, done}, (address.route, seen, done)


def _told(page):
    """Return what a page tells of an id: nothing, where it asks first whether it is still the same person."""
    return 404 if "/login/again" in str(page.url) else page.status_code


# --- roles


@spec("RFC 9700", "2.3")
def test_the_table_of_roles_is_this_one():
    assert {role: {act.value for act in acts} for role, acts in TABLE.items()} == _TABLE
    assert set(TABLE) == set(Membership.Role.values)


ENDED = "admin, ended"
HELD = {**TABLE, ENDED: frozenset()}
"""What each role lets somebody do, and one that ended: the clock was not here since, and it opens nothing."""


def hold(world, held):
    role, _, is_over = held.partition(", ")
    until = timezone.now() - timedelta(seconds=1) if is_over else None
    world.rewrite(world.people["ada"], role=role, role_until=until)


def _of_people():
    """Return each method of each view of the API that is for people, and its address."""
    for address in addresses.api():
        if any(issubclass(each, FOR_PEOPLE) for each in address.view.view_class.permission_classes):
            yield from ((method, address) for method in addresses.methods(address))


def _views_for_people():
    """Return those that take a role, and what each is a case of."""
    for method, address in _of_people():
        permissions = [made() for made in address.view.view_class.permission_classes]
        acts = [each.act(address.view.view_class, method) for each in permissions if isinstance(each, ForRoles)]
        yield from ((method, address, act) for act in acts)


@spec("RFC 9700", "2.3")
@pytest.mark.parametrize("role", HELD)
def test_the_api_lets_each_role_do_what_the_table_says_and_nothing_else(both, role):
    (world, token), _ = both
    nothing = {
        **WORDS,
        "events/form": "pdf",
        **{name: kind.none for name, kind in KINDS.items() if isinstance(kind, Kind)},
    }
    hold(world, role)
    seen = set()
    try:
        for method, address, act in _views_for_people():
            status = send(world, token, method, address.filled(nothing)).status_code
            assert act is not None, f"{method} {address.route} is a case of no act"
            assert (status == 403) == (act not in HELD[role]), (role, method, address.route, status)
            assert status < 500
            seen.add(act)
    finally:
        hold(world, "admin")
    assert len(seen) > 10


@spec("RFC 9700", "2.3")
def test_no_token_of_an_agent_itself_reaches_what_takes_a_role(both):
    (world, _), _ = both
    own = world.own_api_token(world.worker(), ALL_SCOPES)
    nothing = NOTHING
    with leaves_only(world):
        for method, address in _of_people():
            assert send(world, own, method, address.filled(nothing)).status_code == 403, (method, address.route)
    assert send(world, own, "GET", "/api/v1/self").status_code == 200


@spec("RFC 9700", "2.3")
def test_every_address_of_the_api_takes_a_person_but_those_of_an_agent_itself():
    of_agents = {
        address.route.removeprefix("api/v1/").partition("/")[0]
        for address in addresses.api()
        if not any(issubclass(each, FOR_PEOPLE) for each in address.view.view_class.permission_classes)
    }
    assert of_agents == {"self", "delegations", "tokens", "schema"}


# --- the pages


def _console():
    """Return each address of the console, and what it is a case of."""
    return [(each, getattr(each.view, "act", None)) for each in addresses.pages() if each.route.startswith("console")]


@pytest.fixture(scope="module")
def ada_inside(both, origin):
    """Ada's browser as a client of this process: six roles ask for everything, in little time."""
    (world, _), _ = both
    name = f"{settings.SESSION_COOKIE_NAME}-{world.tenant.slug}"
    client = InProcess(SERVER_NAME=urlsplit(origin).hostname)
    client.cookies[name] = world.browser("ada").http.cookies[name]
    return client


@spec("RFC 9700", "2.3")
@pytest.mark.parametrize("role", HELD)
def test_the_console_lets_each_role_do_what_the_table_says_and_nothing_else(both, ada_inside, role):
    (world, _), _ = both
    hold(world, role)
    asked = []
    try:
        for address, act in _console():
            assert act is not None, f"{address.route} is a case of no act"
            for ask in (ada_inside.get, ada_inside.post):
                status = ask(f"/t/{world.tenant.slug}{address.filled(NOTHING)}").status_code
                assert status < 500, address.route
                if status == 405:
                    continue
                assert (status == 403) == (act not in HELD[role]), (role, ask.__name__, address.route, status)
                asked.append((address.route, act))
    finally:
        hold(world, "admin")
    assert {route for route, _ in asked} == {address.route for address, _ in _console()}, "each answers something"
    assert len({act for _, act in asked}) > 10


@spec("RFC 9700", "2.3")
def test_whoever_has_no_role_here_leaves_nothing_behind_on_the_console(both, ada_inside):
    (world, _), _ = both
    world.rewrite(world.people["ada"], role="member")
    try:
        with leaves_only(world):
            for address, _ in _console():
                ada_inside.post(f"/t/{world.tenant.slug}{address.filled(NOTHING)}", {"reason": "x", "number": "1"})
    finally:
        hold(world, "admin")
