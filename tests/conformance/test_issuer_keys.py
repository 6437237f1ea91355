"""Where a trusted issuer's keys come from, how often they are asked for, and what happens when they cannot be had."""

import json
from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone

from tenants.models import Tenant
from tests.harness import crowd, platforms
from tests.harness.hostile import Hostile, endless, json_answer
from tests.harness.issuers import DOWN, NOT_FOUND, Remote, status
from tests.harness.platforms import named, rsa
from tests.harness.world import World
from tests.spec import spec
from trust import tasks


@pytest.fixture
def remote(world: World, documents: Hostile) -> Remote:
    """An issuer whose keys lie at an address."""
    return Remote(world, documents)


# --- where they are


@spec("RFC 8414", "3.3")
def test_an_issuer_s_metadata_says_where_its_keys_are(world, documents):
    remote = Remote(world, documents, "metadata")
    place = f"{remote.base}/.well-known/openid-configuration"
    remote.publish(place, {"issuer": remote.platform.url, "jwks_uri": documents.url(remote.place)})
    assert [remote.ask(), remote.ask()] == [200, 200]
    assert (remote.asked(place), remote.asked()) == (1, 1)


@spec("RFC 8414", "3.1")
@pytest.mark.parametrize("first", [NOT_FOUND, json_answer(b"{}")])
def test_where_there_is_no_openid_document_the_oauth_one_says_it(world, documents, first):
    remote = Remote(world, documents, "metadata")
    documents.answers[f"{remote.base}/.well-known/openid-configuration"] = first
    place = f"/.well-known/oauth-authorization-server{remote.base}"
    remote.publish(place, {"issuer": remote.platform.url, "jwks_uri": documents.url(remote.place)})
    assert remote.ask() == 200
    assert (remote.asked(place), remote.asked()) == (1, 1)


@spec("RFC 8414", "3.3")
def test_metadata_about_another_issuer_or_without_an_address_says_nothing(world, documents):
    remote = Remote(world, documents, "metadata")
    place, uri = f"{remote.base}/.well-known/openid-configuration", documents.url(remote.place)
    wrong = [
        {"issuer": remote.platform.url + "/", "jwks_uri": uri},
        {"issuer": remote.platform.url.upper(), "jwks_uri": uri},
        {"jwks_uri": uri}, {"issuer": [remote.platform.url], "jwks_uri": uri}, {"issuer": remote.platform.url},
        {"issuer": remote.platform.url, "jwks_uri": uri.replace("https", "http")},
        {"issuer": remote.platform.url, "jwks_uri": "https://169.254.169.254/latest/meta-data"},
        {"issuer": remote.platform.url, "jwks_uri": "file:///etc/passwd"},
        {"issuer": remote.platform.url, "jwks_uri": [uri]}, {"issuer": remote.platform.url, "jwks_uri": world.origin},
    ]  # fmt: skip
    for document in wrong:
        remote.publish(place, document)
        remote.age()
        assert remote.ask() == 401, document
    assert remote.asked() == 0
    remote.publish(place, {"issuer": remote.platform.url, "jwks_uri": uri})
    remote.age()
    assert remote.ask() == 200


@pytest.mark.parametrize("changes", [{"is_enabled": False}, {"purposes": []}])
def test_an_issuer_whose_word_does_not_count_is_not_asked(remote, changes):
    platforms.change(remote.world, remote.runs.trusted, **changes)
    assert remote.ask() == 401
    assert remote.asked() == 0


# --- how often


@spec("RFC 7517", "5")
def test_keys_are_followed_when_they_change(remote):
    assert remote.ask() == 200
    remote.publish(remote.place, {"keys": [*named("x", "second").jwks["keys"], *remote.platform.jwks["keys"]]})
    assert remote.ask("second") == 401
    remote.age()
    assert [remote.ask("second"), remote.ask("second"), remote.ask()] == [200, 200, 200]
    assert remote.asked() == 2
    remote.publish(remote.place, named("x", "second").jwks)
    remote.age()
    assert [remote.ask("third"), remote.ask("second"), remote.ask()] == [401, 200, 401]
    assert remote.asked() == 3


def test_a_key_that_nobody_knows_makes_one_question_in_half_a_minute(remote):
    assert remote.ask() == 200
    for _ in range(3):
        assert [remote.ask("second"), remote.ask("third")] == [401, 401]
    assert remote.asked() == 1
    remote.age(asked=timedelta(seconds=29))
    assert remote.ask("second") == 401
    assert remote.asked() == 1
    remote.age(asked=timedelta(seconds=31))
    assert [remote.ask("second"), remote.ask("third"), remote.ask()] == [401, 401, 200]
    assert remote.asked() == 2


def test_twenty_at_once_with_keys_that_nobody_knows_make_one_question(remote):
    assert remote.ask() == 200
    remote.age()
    tokens = [remote.token(header={"kid": f"unknown {number}"}) for number in range(20)]
    answers = crowd.at_once(20, lambda number: remote.runs.ask(tokens[number]).status_code)
    assert set(answers) == {401}
    assert remote.asked() == 2
    assert remote.ask() == 200


def test_the_clock_fetches_keys_before_somebody_has_to_wait(world, remote):
    Tenant.objects.exclude(pk=world.tenant.pk).update(status=Tenant.Status.DELETED)
    assert tasks.refresh_keys() == 1
    remote.age(fetched=timedelta(minutes=4))
    assert tasks.refresh_keys() == 0
    remote.age(fetched=timedelta(minutes=6))
    assert tasks.refresh_keys() == 1
    assert remote.asked() == 2
    assert timezone.now() - remote.row.keys_fetched_at < timedelta(minutes=1)
    assert remote.ask() == 200
    assert remote.asked() == 2
    platforms.change(world, remote.runs.trusted, is_enabled=False)
    remote.age(fetched=timedelta(minutes=6))
    assert tasks.refresh_keys() == 0


# --- when they cannot be had


def test_the_last_good_keys_go_on_for_six_hours_and_no_longer(remote):
    assert remote.ask_afresh() == 200
    remote.server.answers[remote.place] = DOWN
    for hours, expected in ((1, 200), (5.9, 200), (6.1, 401), (48, 401)):
        remote.age(fetched=timedelta(hours=hours))
        assert remote.ask_afresh() == expected, hours
    assert remote.asked() == 5
    remote.publish(remote.place, remote.platform.jwks)
    remote.age()
    assert remote.ask_afresh() == 200


def _spoiled(remote: Remote) -> dict[str, Any]:
    (good,) = remote.platform.jwks["keys"]
    others = [{**good, "kid": f"k{number}"} for number in range(20)]
    short = {"kty": "RSA", "kid": "short", "e": "AQAB", "n": good["n"][:171]}
    sets = {
        "private": [good, rsa("other").as_dict(private=True)],
        "symmetric": [good, {"kty": "oct", "k": "AAAA", "kid": "s"}],
        "twenty-one": [good, *others],
        "none": [],
        "short": [good, short],
        "strings": ["x"],
    }
    answers = {name: json_answer(json.dumps({"keys": listed}).encode()) for name, listed in sets.items()}
    padded = json.dumps({"keys": [good], "padding": "x" * 1_000_000}).encode()
    link_local = status(b"302 Found", b"Location: https://169.254.169.254/latest/meta-data/")
    return {
        **answers, "a megabyte": json_answer(padded), "endless": endless, "down": DOWN, "gone": NOT_FOUND,
        "redirect": link_local, "twice": json_answer(b'{"keys": [], "keys": []}'), "a list": json_answer(b"[]"),
    }  # fmt: skip


def test_a_set_that_is_not_a_short_one_of_public_keys_is_no_set_and_replaces_none(remote):
    (spoiled, good) = (_spoiled(remote), remote.platform.jwks)
    for name, answer in spoiled.items():
        remote.server.answers[remote.place] = answer
        remote.age()
        assert (remote.ask_afresh(), remote.row.jwks) == (401, {}), name
    assert remote.asked() == len(spoiled)
    remote.publish(remote.place, good)
    remote.age()
    assert remote.ask_afresh() == 200
    for name, answer in spoiled.items():
        remote.server.answers[remote.place] = answer
        remote.age(fetched=timedelta(minutes=11))
        assert (remote.ask_afresh(), remote.row.jwks) == (200, good), name
