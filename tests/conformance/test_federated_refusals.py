"""What no platform's token can do: sign with what is public, outlive an admin's word, or stand for another method."""

import hashlib
import hmac
import json

import pytest
from joserfc import jwk

from agents import across
from agents import actions as agent_actions
from agents.errors import NameTaken, Unusable
from agents.models import FederatedCredential
from audit.events import Event
from audit.principals import SYSTEM
from kit import context
from tests.harness import platforms
from tests.harness.domains import Foreign
from tests.harness.footprint import leaves_only
from tests.harness.hostile import json_answer
from tests.harness.keyholder import Keyholder, hand_over
from tests.harness.platforms import GITHUB, MAIN, PINNED, named, workload
from tests.harness.wire import assert_refused
from tests.harness.world import World, claims
from tests.spec import spec

pytestmark = pytest.mark.once  # What is judged here is judged before any database is asked, or by its page alone.


@pytest.fixture
def ci(world: World) -> platforms.Workload:
    """A CI job of one repository's main branch, which is a client."""
    made = workload(world, named(GITHUB))
    assert made.ask().status_code == 200
    return made


def head_of(ci: platforms.Workload, alg: object) -> dict[str, object]:
    return {"alg": alg, "kid": ci.platform.key.kid, "typ": "JWT"}


# --- signature


@spec("RFC 8725", "2.1")
def test_a_token_that_nobody_signed_is_refused(ci):
    body = claims(ci.token())
    ci.refuses(*(platforms.raw(head_of(ci, alg), body) for alg in ("none", "None", "NONE", "", None, ["RS256"])))


@spec("RFC 8725", "2.1")
def test_the_public_key_is_no_secret_to_sign_with(ci):
    key, body = ci.platform.key, claims(ci.token())
    published = json.dumps(ci.platform.jwks["keys"][0]).encode()
    signed, _, _ = platforms.raw(head_of(ci, "HS256"), body).rpartition(".")
    for secret in (key.as_pem(private=False), key.as_der(private=False), published, b""):
        mac = hmac.digest(secret, signed.encode(), hashlib.sha256)
        ci.refuses(platforms.raw(head_of(ci, "HS256"), body, mac))


@spec("RFC 8725", "3.10")
@pytest.mark.parametrize("member", ["jwk", "jku", "x5u", "x5c"])
def test_a_key_that_the_token_brings_along_is_not_used(world, ci, documents, member):
    stranger = Foreign(GITHUB, platforms.rsa("a stranger"))
    path = f"/{world.tenant.slug}/brought"
    documents.answers[path] = json_answer(json.dumps(stranger.jwks).encode())
    brought = {"jwk": stranger.jwks["keys"][0], "jku": documents.url(path), "x5u": documents.url(path)}
    header = {member: brought.get(member, ["MIIB"])}
    for kid in (stranger.key.kid, ci.platform.key.kid):
        ci.refuses(platforms.job(stranger, world.tenant.issuer, header={**header, "kid": kid}))
    assert path not in documents.seen


@spec("RFC 8725", "3.10")
def test_a_header_member_that_carries_or_changes_a_key_spoils_a_good_signature(ci):
    body, head = claims(ci.token()), head_of(ci, "RS256")
    members: list[dict[str, object]] = [
        {"jwk": {}}, {"jku": GITHUB}, {"x5u": GITHUB}, {"x5c": ["MIIB"]}, {"crit": []}, {"crit": ["b64"], "b64": True},
        {"b64": False}, {"zip": "DEF"}, {"enc": "A256GCM"},
    ]  # fmt: skip
    assert ci.ask(platforms.signed(ci.platform, head, body)).status_code == 200
    ci.refuses(*(platforms.signed(ci.platform, head | each, body) for each in members))


@spec("RFC 8725", "3.11")
def test_a_token_that_was_made_for_another_place_is_refused(ci):
    body = claims(ci.token())
    kinds = ("at+jwt", "oauth-id-jag+jwt", "client-authentication+jwt", "dpop+jwt", "secevent+jwt", "logout+jwt", 7)
    ci.refuses(*(platforms.signed(ci.platform, {**head_of(ci, "RS256"), "typ": typ}, body) for typ in kinds))


def test_a_token_names_one_of_the_issuer_s_keys(ci):
    body = claims(ci.token())
    names = (None, "", "another", 7, ["a"])
    ci.refuses(*(platforms.signed(ci.platform, {**head_of(ci, "RS256"), "kid": kid}, body) for kid in names))


def test_a_key_of_the_same_name_is_another_key(ci):
    impostor = Foreign(GITHUB, jwk.generate_key("RSA", 2048, {"kid": ci.platform.key.kid}, private=True))
    ci.refuses(platforms.job(impostor, ci.world.tenant.issuer))


def test_a_key_of_another_trusted_issuer_is_not_this_one_s(world, ci):
    other = named("https://ci.other.example")
    platforms.trust(world, other)
    ci.refuses(platforms.job(Foreign(GITHUB, other.key), world.tenant.issuer))


@pytest.mark.parametrize("changes", [{"algorithms": ["ES256"]}, {"algorithms": ["PS256"]}])
def test_an_algorithm_that_the_registration_does_not_name_is_refused(ci, changes):
    platforms.change(ci.world, ci.trusted, **changes)
    ci.refuses()


# --- an admin's word


def test_an_issuer_that_is_switched_off_proves_nothing_at_once_and_does_again_when_it_is_on(ci):
    token = ci.token()
    assert ci.ask(token).status_code == 200
    platforms.change(ci.world, ci.trusted, is_enabled=False)
    ci.refuses(token)
    platforms.change(ci.world, ci.trusted, is_enabled=True)
    assert platforms.eventually(lambda: ci.ask(token).status_code == 200)


@pytest.mark.parametrize("purposes", [[], ["workload"], ["id_jag"], ["id_jag", "workload"]])
def test_an_issuer_that_is_not_trusted_for_this_purpose_proves_nothing(ci, purposes):
    platforms.change(ci.world, ci.trusted, purposes=purposes)
    ci.refuses()


def test_a_credential_that_is_taken_back_proves_nothing_at_once(ci):
    token = ci.token()
    assert ci.ask(token).status_code == 200
    with context.use(ci.world.tenant):
        across.unfederate(ci.credential, by=SYSTEM)
    ci.refuses(token)
    assert len(ci.world.entries(Event.CLIENT_UNFEDERATED)) == 1


def test_a_client_that_is_switched_off_and_an_agent_that_is_paused_get_nothing(world, ci):
    with context.use(world.tenant):
        agent_actions.suspend_agent(ci.client.agent, by=SYSTEM, reason="a test")
    with leaves_only(world, Event.TOKEN_REFUSED):
        assert ci.ask().status_code == 400
    with context.use(world.tenant):
        agent_actions.resume_agent(ci.client.agent, by=SYSTEM)
        agent_actions.disable_client(ci.client, by=SYSTEM, reason="a test")
    ci.refuses()


@spec("WAG", "6.3")
@pytest.mark.parametrize(
    "changes", [{"enterprise": "other"}, {"enterprise": None}, {"enterprise": ["acme"]}, {"plan": True}]
)
def test_a_shared_issuer_s_token_must_hold_what_the_registration_demands(ci, changes):
    platforms.change(ci.world, ci.trusted, required_claims={"enterprise": "acme", "plan": 1})
    assert ci.ask(ci.token(enterprise="acme", plan=1)).status_code == 200
    ci.refuses(ci.token(**{"enterprise": "acme", "plan": 1, **changes}))


@pytest.mark.parametrize(
    ("subject", "pinned"),
    [
        ("repo:acme/*:ref:refs/heads/main", {}), ("*", PINNED), ("", PINNED), ("**", PINNED), ("repo:**", PINNED),
        ("*:acme/deploy", PINNED), (MAIN + "\x00", PINNED),
    ],
)  # fmt: skip
def test_a_subject_that_leaves_too_much_open_cannot_be_written(world, ci, subject, pinned):
    with leaves_only(world), context.use(world.tenant), pytest.raises(Unusable):
        across.federate(ci.client, ci.trusted, subject, by=SYSTEM, claims=pinned)


def test_a_subject_is_written_once_for_a_client(world, ci):
    with leaves_only(world), context.use(world.tenant), pytest.raises(NameTaken):
        across.federate(ci.client, ci.trusted, MAIN, by=SYSTEM, claims={})


def test_a_client_that_has_a_secret_takes_no_credential_beside_it(world, ci):
    worker = world.worker()
    with leaves_only(world), context.use(world.tenant), pytest.raises(Unusable):
        across.federate(worker.client, ci.trusted, MAIN, by=SYSTEM, claims=PINNED)


# --- one method, and no other


def as_if(world: World, ci: platforms.Workload, client_id: str) -> None:
    """Write the row that no verb writes: even then the client's own method decides."""
    with context.use(world.tenant):
        client = type(ci.client).objects.get(client_id=client_id)
        FederatedCredential.objects.create(client=client, issuer=ci.trusted, subject=MAIN, claims=PINNED)


def test_clients_of_other_methods_are_not_proved_by_a_platform_s_token(world, ci):
    keyed, public, secret = world.worker(), world.public_client(), world.worker()
    hand_over(world, keyed, Keyholder(keyed.id).jwks)
    for who in (keyed, public, secret):
        as_if(world, ci, who.id)
        ci.refuses(client_id=who.id)


@spec("RFC 6749", "2.3")
def test_a_client_without_a_secret_takes_none(world, ci):
    base = {"client_assertion": None, "client_assertion_type": None}
    for secret in ("", "x", ci.token()[:200], None):
        ci.refuses(**base, client_secret=secret)
    form = {"grant_type": "client_credentials", "resource": world.calendar.identifier}
    for password in ("", "x"):
        with leaves_only(world):
            answer = world.http.post(world.url("/token"), data=form, auth=(ci.client.client_id, password))
        assert_refused(answer, "invalid_client", 401)


@spec("RFC 7523", "3")
def test_a_client_without_a_secret_has_no_key_of_its_own_either(world, ci):
    own = Keyholder(ci.client.client_id)
    ci.refuses(own.assertion(world))
    ci.refuses(ci.token(iss=ci.client.client_id, sub=ci.client.client_id))
    ci.refuses(ci.token(sub=GITHUB))


@spec("RFC 6749", "2.3")
def test_a_secret_beside_the_token_is_a_second_method(world, ci):
    with leaves_only(world):
        answer = ci.ask(client_secret="x")
    assert_refused(answer, "invalid_request")


@spec("RFC 7521", "4.2")
@pytest.mark.parametrize("kind", [None, "", "urn:ietf:params:oauth:client-assertion-type:saml2-bearer"])
def test_another_assertion_type_is_refused(ci, kind):
    ci.refuses(client_assertion_type=kind)


def test_a_token_is_no_grant_where_platforms_bring_no_agents(world, ci):
    form = {"grant_type": "urn:ietf:params:oauth:grant-type:jwt-bearer", "assertion": ci.token()}
    with leaves_only(world):
        answer = platforms.post(world, form | {"resource": world.calendar.identifier})
    assert_refused(answer, "invalid_client", 401)


def test_what_is_no_token_at_all_is_refused(ci):
    for junk in ("x", "a.b", "a.b.c.d", "..", "a" * 9000, ci.token() + "=", ci.token()[:-3] + "+/="):
        ci.refuses(junk)
    assert ci.ask("a" * 200_000).status_code == 413
