"""Settings over REST: what may be changed, by whom, and a history of what was and what became of it."""

import pytest

from tests.conformance.test_resources_api import asker
from tests.harness.footprint import leaves_only
from tests.spec import spec


@pytest.fixture
def ada(world):
    return asker(world, "ada", "settings:read settings:write")


@spec("RFC 9700", "2.1")
def test_a_setting_is_changed_holds_at_once_and_its_history_says_what_it_was(world, ada):
    read = ada("GET", "/settings")
    assert read.json()["registration"] == "open"
    changed = ada(
        "PATCH", "/settings", {"registration": "off", "access_token_seconds": 60}, **{"If-Match": read.headers["etag"]}
    )
    assert (changed.status_code, changed.json()["access_token_seconds"]) == (200, 60)
    registered = world.http.post(world.url("/register"), json={"redirect_uris": ["https://a.example/cb"]})
    assert registered.status_code != 201
    with leaves_only(world):
        late = ada("PATCH", "/settings", {"deepest_chain": 1}, **{"If-Match": read.headers["etag"]})
    assert (late.status_code, late.json()["changed_by"]) == (412, world.people["ada"].pk)
    (newest, *_) = ada("GET", "/settings/history").json()["changes"]
    assert newest["principal_id"] == world.people["ada"].pk
    assert newest["detail"]["changes"] == [
        {"setting": "access_token_seconds", "before": "300", "after": "60"},
        {"setting": "registration", "before": "open", "after": "off"},
    ]


@spec("RFC 9457", "3.1")
@pytest.mark.parametrize(
    ("said", "status"),
    [
        ({"slug": "other"}, 400), ({"registration": "sometimes"}, 400), ({"access_token_seconds": 3601}, 422),
        ({"environment": "moon"}, 400), ({"owner_grace_days": 366}, 422),
        ({"longest_delegation_days": 0}, 422), ({"deepest_chain": 99}, 422), ({"time_zone": "Mars/Base"}, 422),
        ({"default_resource": "https://nowhere.example"}, 422), ({"admitted_hosts": ["A b"]}, 422),
        ({"admitted_hosts": ["http://a.example/x"]}, 422), ({"admitted_hosts": ["https://127.0.0.1/x"]}, 422),
        ({"admitted_hosts": ["https://a.example/"]}, 422), ({"admitted_hosts": ["https://a.example/b/../c"]}, 422),
        ({"device_codes": "yes"}, 400), ({"trusted_networks": ["192.0.2.1/24"]}, 422), ({"trusted_networks": 7}, 400),
    ],
)  # fmt: skip
def test_a_setting_that_cannot_hold_changes_nothing(world, ada, said, status):
    with leaves_only(world):
        refused = ada("PATCH", "/settings", said)
    assert (refused.status_code, refused.headers["content-type"]) == (status, "application/problem+json"), refused.text


@spec("RFC 9110", "13.1.1")
def test_settings_that_are_saved_as_they_were_change_nothing(world, ada):
    read = ada("GET", "/settings")
    with leaves_only(world):
        saved = ada("PATCH", "/settings", read.json(), **{"If-Match": read.headers["etag"]})
    assert (saved.status_code, saved.json(), saved.headers["etag"]) == (200, read.json(), read.headers["etag"])
