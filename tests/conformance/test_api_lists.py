"""Lists of the API: a page at a time in a stable order, narrowed by words that are known, and by no others."""

import pytest

from agents import registration_tokens
from audit.principals import SYSTEM
from kit import context
from tests.conformance.test_api import api_token, call
from tests.harness.world import make
from tests.spec import spec

LISTS = {
    "/delegations": "delegations:read",
    "/approvals": "approvals:read",
    "/agents": "agents:read",
    "/registration-tokens": "registration:read",
    "/trust/issuers": "trust:read",
    "/trust/audiences": "trust:read",
}


@pytest.fixture(scope="module")
def stage(origin, http):
    """One tenant with seven registration tokens, and ada's token to read them: nothing here changes anything."""
    world = make(origin, http)
    with context.use(world.tenant):
        for number in range(7):
            registration_tokens.make(f"CI {number}", by=SYSTEM)
    scopes = sorted({*LISTS.values(), "trust:write"})
    yield world, api_token(world, world.public_client(), "ada", " ".join(scopes))
    world.close()


def walk(stage, limit):
    """Return the names on each page, following `next` to the end."""
    world, token = stage
    pages, cursor = [], ""
    while True:
        following = f"&cursor={cursor}" if cursor else ""
        answer = call(world, token, f"/registration-tokens?limit={limit}{following}").json()
        pages.append([each["name"] for each in answer["registration_tokens"]])
        cursor = answer["next"]
        if cursor is None:
            return pages


@spec("RFC 9110", "15.3.1")
@pytest.mark.parametrize(("limit", "sizes"), [(1, [1] * 7), (3, [3, 3, 1]), (7, [7]), (200, [7])])
def test_pages_hold_every_row_once_newest_first(stage, limit, sizes):
    pages = walk(stage, limit)
    assert [len(names) for names in pages] == sizes
    assert [name for names in pages for name in names] == [f"CI {number}" for number in reversed(range(7))]


@spec("RFC 8288", "3")
def test_the_next_page_is_linked_to_with_the_words_that_were_asked(stage):
    world, token = stage
    answer = call(world, token, "/registration-tokens?limit=2")
    address, _, relation = answer.headers["link"].partition(">; ")
    assert relation == 'rel="next"'
    assert address.startswith(f"<{world.url('/api/v1/registration-tokens')}?")
    following = world.http.get(address[1:], headers={"Authorization": f"Bearer {token}"})
    assert [each["name"] for each in following.json()["registration_tokens"]] == ["CI 4", "CI 3"]
    assert "link" not in call(world, token, "/registration-tokens").headers


@spec("RFC 9457", "3")
@pytest.mark.parametrize(
    ("query", "said"),
    [
        ("cursor=x", "cursor"), ("cursor=%00", "cursor"), ("cursor=WyJhIl0:1abc:sig", "cursor"),
        ("limit=0", "limit is a number from 1 to 200."), ("limit=201", "1 to 200"), ("limit=-1", "1 to 200"),
        ("limit=%D9%A3", "1 to 200"), ("limit=", "1 to 200"), ("limit=9999999999", "1 to 200"),
        ("limit=1&limit=2", "'limit' is said once."),
        ("order=password", "order"), ("owner__user__password=x", "narrows nothing here"),
    ],
)  # fmt: skip
def test_words_that_mean_nothing_are_said_and_not_ignored(stage, query, said):
    for path in LISTS:
        answer = call(*stage, f"{path}?{query}")
        assert (answer.status_code, answer.headers["content-type"]) == (400, "application/problem+json")
        assert said in answer.json()["detail"]


@spec("RFC 9457", "3")
def test_a_cursor_fits_the_list_and_the_question_that_it_came_from_alone(stage, elsewhere):
    world, token = stage
    cursor = call(world, token, "/registration-tokens?limit=2").json()["next"]
    assert call(world, token, f"/registration-tokens?limit=200&cursor={cursor}").status_code == 200
    assert call(world, token, f"/trust/issuers?cursor={cursor}").status_code == 400
    assert call(world, token, f"/approvals?status=waiting&cursor={cursor}").status_code == 400
    theirs = api_token(elsewhere, elsewhere.public_client(), "ada", "registration:read")
    assert call(elsewhere, theirs, f"/registration-tokens?cursor={cursor}").status_code == 400


@spec("RFC 9457", "3.1")
def test_a_value_that_cannot_be_is_named_by_its_word(stage):
    answer = call(*stage, "/approvals?status=nothing")
    assert (answer.status_code, list(answer.json()["errors"])) == (400, ["status"])


@spec("RFC 9457", "3")
@pytest.mark.parametrize(
    ("method", "path", "status", "more"),
    [
        ("GET", "/nothing/here", 404, {}),
        ("GET", "/trust/issuers/iss_x", 404, {}),
        ("PUT", "/trust/issuers", 405, {}),
        ("POST", "/trust/issuers", 415, {"content": "a=b", "headers": {"Content-Type": "text/plain"}}),
        ("GET", "/trust/issuers", 406, {"headers": {"Accept": "image/png"}}),
    ],
)
def test_every_refusal_is_a_problem(stage, method, path, status, more):
    world, token = stage
    headers = {"Authorization": f"Bearer {token}", **more.pop("headers", {})}
    answer = world.http.request(method, world.url(f"/api/v1{path}"), headers=headers, **more)
    assert answer.status_code == status, answer.text
    assert answer.headers["content-type"] == "application/problem+json"
    problem = answer.json()
    assert (problem["status"], problem["instance"]) == (status, f"urn:remit:request:{answer.headers['x-request-id']}")
