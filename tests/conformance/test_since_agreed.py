"""Whoever is asked again is told what changed since they agreed (CIMD -02 §8.4, RFC 7592 §2.2)."""

import pytest

from tests.harness.keyholder import Keyholder
from tests.harness.registering import Managed
from tests.harness.world import REDIRECT
from tests.spec import spec

HEADING = "Since you last allowed it"
OTHER = "https://scout.example/cb"


@pytest.fixture
def scout(world):
    """An agent that alice lets act; it says who it is at https://scout.example."""
    scout = Managed.register(world, client_uri="https://scout.example/")
    world.grant(scout.credentials)
    return scout


def page(world, scout, person="alice", **changes):
    """Return the words of the consent page, which asks for something more than before."""
    said = {"scope": "events:read contacts:read", **changes}
    return world.ask(scout.credentials, person, **said).words()


@spec("CIMD", "8.4")
@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"client_name": "Claude"}, "It was called Scout."),
        ({"client_uri": "https://elsewhere.example/"}, "It came from scout.example."),
        ({"client_uri": None}, "It came from scout.example."),
        ({"redirect_uris": [REDIRECT, OTHER]}, "Something else that it says of itself changed"),
        ({"tos_uri": "https://scout.example/terms"}, "Something else that it says of itself changed"),
        ({"jwks": True}, "Something else that it says of itself changed"),
    ],
    ids=str,
)
def test_the_page_says_what_an_agent_says_now_and_did_not_when_the_person_agreed(world, scout, change, words):
    if "jwks" in change:
        change = {"token_endpoint_auth_method": "private_key_jwt", "jwks": Keyholder("x").jwks}
    said = {"client_uri": "https://scout.example/", **change}
    assert scout.put(**said).status_code == 200
    found = page(world, scout)
    assert HEADING in found
    assert words in found


@spec("RFC 9700", "2.1")
def test_the_page_says_where_the_person_returned_to_before(world):
    scout = Managed.register(world, redirect_uris=[REDIRECT, OTHER])
    world.grant(scout.credentials)
    found = page(world, scout, redirect_uri=OTHER)
    assert "You returned to 127.0.0.1." in found
    assert "Something else" not in found


@spec("CIMD", "8.4")
@pytest.mark.parametrize("person", ["alice", "bob"])
def test_where_nothing_changed_or_nothing_was_allowed_nothing_is_said(world, scout, person):
    if person == "bob":
        assert scout.put(client_name="Claude").status_code == 200
    assert HEADING not in page(world, scout, person)


@spec("CIMD", "8.4")
def test_what_was_agreed_to_again_is_no_change_any_more(world, scout):
    assert scout.put(client_name="Claude").status_code == 200
    assert "It was called Scout." in page(world, scout)
    world.grant(scout.credentials, scope="events:read contacts:read")
    assert HEADING not in page(world, scout, prompt="consent")
    (*_, delegation) = world.delegations()
    assert delegation.scopes
