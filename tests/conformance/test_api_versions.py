"""If-Match: whoever changes something says which state of it they read, and the second is told who was first."""

import pytest

from tests.conformance.test_api import api_token, call
from tests.conformance.test_trust_api import words
from tests.harness.domains import Foreign
from tests.harness.footprint import leaves_only
from tests.spec import spec


@pytest.fixture
def admin(world):
    """Return a call as ada, through an app that she lets do so."""
    token = api_token(world, world.public_client(), "ada", "trust:read trust:write")

    def ask(method, path, body=None, **headers):
        headers = {"Authorization": f"Bearer {token}", **headers}
        return world.http.request(method, world.url(f"/api/v1{path}"), headers=headers, json=body)

    return ask


@spec("RFC 9110", "13.1.1")
@pytest.mark.parametrize("noun", ["issuers", "audiences"])
def test_a_change_of_what_somebody_else_changed_meanwhile_is_refused_with_who_and_when(world, admin, noun):
    body = words(world, Foreign()) if noun == "issuers" else {"issuer": "https://login.example", "resources": {}}
    made = admin("POST", f"/trust/{noun}", body)
    assert made.status_code == 201, made.text
    place = f"/trust/{noun}/{made.json()['id']}"
    read = admin("GET", place).headers["etag"]
    first = admin("PATCH", place, {"name": "First"}, **{"If-Match": read})
    assert (first.status_code, first.headers["etag"] != read) == (200, True)
    with leaves_only(world):
        second = admin("PATCH", place, {"name": "Second"}, **{"If-Match": read})
    assert (second.status_code, second.json()["title"]) == (412, "It was changed since you read it")
    assert second.json()["detail"].startswith("Ada was first, at ")
    assert second.json()["changed_by"] == world.people["ada"].pk
    assert admin("PATCH", place, {"name": "Second"}, **{"If-Match": first.headers["etag"]}).status_code == 200
    assert admin("PATCH", place, {"name": "Third"}, **{"If-Match": "*"}).status_code == 200


@spec("RFC 9110", "13.1.1")
def test_a_tag_that_is_none_of_ours_matches_nothing(world, admin):
    made = admin("POST", "/trust/issuers", words(world, Foreign())).json()
    with leaves_only(world):
        refused = admin("PATCH", f"/trust/issuers/{made['id']}", {"name": "x"}, **{"If-Match": 'W/"abc"'})
    assert refused.status_code == 412
    assert call(world, "x", "/trust/issuers").status_code == 401
