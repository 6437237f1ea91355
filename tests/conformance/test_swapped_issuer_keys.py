"""An issuer's keys that none of those before vouches for: said in the ledger, by mail, and on its page."""

import pytest
from django.conf import settings
from django.test import override_settings
from django.utils import timezone

from audit import ledger
from kit import context
from notices import actions, sending
from notices.webhooks import rules as webhook_rules
from tests.conformance.test_notices import text_of
from tests.conformance.test_resources_api import asker
from tests.harness import mailbox
from tests.harness.issuers import Remote
from tests.harness.platforms import rsa
from tests.spec import spec


def key(kid, of):
    """Return a public key under a name; `of` says which key it is."""
    public = rsa(of).as_dict(private=False)
    return {**public, "kid": kid, "alg": "RS256"}


def jwks(*named):
    """Return a set; `first` is a key under its own name, `first=second` that name with another key."""
    pairs = (each.partition("=") for each in named)
    return {"keys": [key(kid, of or kid) for kid, _, of in pairs]}


@pytest.fixture
def remote(world, documents):
    """An issuer whose keys lie at an address, fetched once: one key, called first."""
    remote = Remote(world, documents)
    remote.publish(remote.place, jwks("first"))
    ask = asker(world, "ada", "trust:read trust:write")
    remote.api = ask
    assert fetch(remote) is True
    return remote


def fetch(remote):
    remote.age()
    return remote.api("POST", f"/trust/issuers/{remote.runs.trusted.pk}/fetch-keys").json()["fetched"]


def row(remote):
    return remote.api("GET", f"/trust/issuers/{remote.runs.trusted.pk}").json()


def swapped(world):
    return world.entries("trust.issuer_keys_swapped")


SWAPS = {
    "all at once": ["second"],
    "under the name it had": ["first=second"],
    "under the name it had, beside the old one": ["first=second", "third=first"],
}
ROTATIONS = {
    "the same": ["first"],
    "one more": ["first", "second"],
    "one more before it": ["second", "first"],
    "the same under another name": ["second=first"],
}


@spec("RFC 7517", "4.5")
@pytest.mark.parametrize("published", SWAPS.values(), ids=SWAPS)
def test_keys_that_none_of_those_before_vouches_for_are_said_until_somebody_looked(world, remote, published):
    remote.publish(remote.place, jwks(*published))
    assert fetch(remote) is True
    (entry,) = swapped(world)
    assert (entry.principal_kind, entry.about_id, entry.proof) == ("system", remote.runs.trusted.pk, "")
    assert [each["kid"] for each in entry.detail["before"]] == ["first"]
    assert entry.detail["before"] != entry.detail["after"]
    ada, place = world.browser("ada"), world.url(f"/console/trust/issuers/{remote.runs.trusted.pk}")
    assert "Its keys were swapped." in ada.go(place).text
    assert "swapped" in ada.go(world.url("/console/trust?swapped=true")).text
    page = ada.go(place)
    assert entry.detail["after"][0]["thumbprint"] in page.text
    assert ada.submit(ada.form("/confirm-keys")).status_code == 200
    assert "Its keys were swapped." not in ada.go(place).text
    assert remote.runs.trusted.name not in ada.go(world.url("/console/trust?swapped=true")).text
    (said,) = world.entries("trust.issuer_keys_confirmed")
    assert said.principal_id == world.people["ada"].pk


@spec("RFC 7517", "5")
@pytest.mark.parametrize("published", ROTATIONS.values(), ids=ROTATIONS)
def test_keys_that_come_beside_those_before_are_no_alert(world, remote, published):
    remote.publish(remote.place, jwks(*published))
    assert fetch(remote) is True
    assert swapped(world) == []
    assert row(remote)["keys_swapped_at"] is None


@spec("RFC 7517", "5")
def test_a_rotation_with_overlap_comes_to_its_end_unseen(world, remote):
    for keys in (["first", "second"], ["second"], ["second", "third"]):
        remote.publish(remote.place, jwks(*keys))
        assert fetch(remote) is True
    assert swapped(world) == []


@spec("RFC 7517", "5")
def test_the_first_keys_of_an_issuer_and_those_at_another_place_are_no_alert(world, remote):
    pk = remote.runs.trusted.pk
    remote.publish(f"{remote.base}/moved", jwks("second"))
    issuer = remote.api("GET", f"/trust/issuers/{pk}")
    moved = remote.server.url(f"{remote.base}/moved")
    changed = remote.api("PATCH", f"/trust/issuers/{pk}", {"jwks_uri": moved}, **{"If-Match": issuer.headers["etag"]})
    assert changed.status_code == 200, changed.text
    assert fetch(remote) is True
    assert swapped(world) == []


@spec("RFC 9110", "15.5.10")
def test_keys_that_were_swapped_again_meanwhile_are_not_confirmed_unseen(world, remote):
    remote.publish(remote.place, jwks("second"))
    fetch(remote)
    place = f"/trust/issuers/{remote.runs.trusted.pk}/confirm-keys"
    seen = row(remote)["keys_swapped_at"]
    ada = world.browser("ada")
    ada.go(world.url(f"/console/trust/issuers/{remote.runs.trusted.pk}"))
    form = ada.form("/confirm-keys")
    remote.publish(remote.place, jwks("third"))
    fetch(remote)
    assert len(swapped(world)) == 2
    assert ada.submit(form).status_code == 409
    assert remote.api("POST", place, {"keys_swapped_at": seen}).status_code in {409, 412}
    assert row(remote)["keys_swapped_at"] not in {None, seen}
    assert remote.api("POST", place, {}).status_code == 400
    assert remote.api("POST", place, {"keys_swapped_at": row(remote)["keys_swapped_at"]}).status_code == 200
    assert row(remote)["keys_swapped_at"] is None


@spec("RFC 9110", "15.5.10")
@pytest.mark.parametrize("seen", ["", "soon", "2026-01-01 00:00", "0001-01-01T00:00:00+14:00", "2026-99-99T00:00:00Z"])
def test_a_form_that_does_not_say_which_keys_were_seen_confirms_none(world, remote, seen):
    remote.publish(remote.place, jwks("second"))
    fetch(remote)
    ada = world.browser("ada")
    ada.go(world.url(f"/console/trust/issuers/{remote.runs.trusted.pk}"))
    assert ada.submit(ada.form("/confirm-keys"), {"swapped_at": seen}).status_code == 409
    assert row(remote)["keys_swapped_at"] is not None


@spec("RFC 9700", "2.1")
def test_an_auditor_sees_it_and_confirms_nothing(world, remote):
    remote.publish(remote.place, jwks("second"))
    fetch(remote)
    world.rewrite(world.people["bob"], role="auditor")
    bob, pk = world.browser("bob"), remote.runs.trusted.pk
    page = bob.go(world.url(f"/console/trust/issuers/{pk}"))
    assert "Its keys were swapped." in page.text
    assert "confirm-keys" not in page.text
    seen = {"keys_swapped_at": row(remote)["keys_swapped_at"]}
    assert (
        asker(world, "bob", "trust:read trust:write")("POST", f"/trust/issuers/{pk}/confirm-keys", seen).status_code
        == 403
    )


def test_whoever_looks_after_trust_is_told_and_nobody_else(world, remote):
    world.rewrite(world.people["bob"], role="auditor")
    remote.publish(remote.place, jwks("second"))
    fetch(remote)
    ledger.seal(world.tenant.pk, using=settings.OPERATOR_ALIAS)
    with mailbox.listening() as box, override_settings(**box.settings), context.use(world.tenant):
        actions.read_ledger(timezone.now())
        sending.send_due(timezone.now())
        told = [each for each in box.messages if "were swapped" in each["Subject"]]
    assert {str(each["To"]) for each in told} == {world.email("ada")}
    assert f"/console/trust/issuers/{remote.runs.trusted.pk}" in text_of(told[0])


def test_webhooks_are_told_under_the_word_for_trust():
    assert webhook_rules.told_as(["trust.changed"], "trust.issuer_keys_swapped") == "trust.changed"
    assert webhook_rules.covers(["trust.changed"], "trust.issuer_keys_swapped")
    assert not webhook_rules.covers(["trust.changed"], "trust.issuer_keys_asked")
    assert webhook_rules.told_as(["trust.*"], "trust.issuer_keys_swapped") == "trust.issuer_keys_swapped"
