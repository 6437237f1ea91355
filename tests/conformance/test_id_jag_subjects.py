"""Who a foreign person is here, how much of a grant counts, and who acted before (JAG-36–38, 40, 45; A6, A7)."""

from functools import partial

import pytest

from agents.models import Client
from audit.principals import SYSTEM
from kit import context
from tenants import actions as tenant_actions
from tenants.models import Membership, User
from tests.harness import chain as chains
from tests.harness import domains
from tests.harness.domains import SCOPES, Foreign
from tests.harness.footprint import leaves_only
from tests.harness.wire import assert_refused
from tests.harness.world import claims
from tests.spec import spec
from trust import actions as trust_actions
from trust.models import SubjectLink


@pytest.fixture(scope="module")
def foreign():
    return Foreign()


@pytest.fixture
def trusted(world, foreign):
    return domains.trust_foreign(world, foreign)


@pytest.fixture
def who(world, trusted):
    return domains.presenter(world)


@pytest.fixture
def ask(world, who, foreign):
    """Present a grant with some claims changed, and with some form fields."""

    def present(form=None, **changes):
        return domains.present(world, who, foreign.grant(world, who, **changes), **(form or {}))

    return present


@pytest.fixture
def refuses(world, who, foreign):
    def assert_refuses(code="invalid_grant", form=None, **changes):
        grant = foreign.grant(world, who, **changes)
        return domains.refuses(world, partial(domains.present, world, who, grant, **(form or {})), code, of=grant)

    return assert_refuses


@pytest.fixture
def change(world, trusted):
    """Change what the issuer is believed, and wait until every process knows."""

    def change_issuer(**fields):
        with context.use(world.tenant):
            trust_actions.change_issuer(trusted, by=SYSTEM, **fields)
        domains.wait()

    return change_issuer


def subject_of(answer):
    assert answer.status_code == 200, answer.text
    return claims(answer.json()["access_token"])["sub"]


# --- which client


@spec("ID-JAG", "9.1")
def test_only_a_confidential_client_that_proves_itself_presents_grants(world, who, foreign):
    grant = foreign.grant(world, who)
    form = {"grant_type": "urn:ietf:params:oauth:grant-type:jwt-bearer", "assertion": grant}
    with leaves_only(world):
        for named in ({}, {"client_id": who.id}, {"client_id": who.id, "client_secret": "wrong"}, {"client_id": "x"}):
            assert_refused(world.http.post(world.url("/token"), data={**form, **named}), "invalid_client", 401)
    assert domains.present(world, who, grant).status_code == 200


@spec("ID-JAG", "9.1")
@pytest.mark.parametrize("flaw", ["public", "without the grant type"])
def test_a_client_that_may_not_is_unauthorized(world, who, refuses, flaw):
    fields = {"auth_method": "none"} if flaw == "public" else {"grant_types": ["client_credentials"]}
    with context.use(world.tenant):
        Client.objects.filter(pk=who.client.pk).update(**fields)
    who.secret = "" if flaw == "public" else who.secret
    refuses("unauthorized_client")


# --- how much


@spec("MCP", "Enterprise-Managed Authorization 7.2.1")
def test_the_scope_is_what_is_asked_and_asserted_and_under_the_ceiling(ask, refuses, change):
    everything = "events:read events:write contacts:read"
    assert ask(scope=everything).json()["scope"] == " ".join(SCOPES)
    assert ask({"scope": "events:read contacts:read"}, scope=everything).json()["scope"] == "events:read"
    assert ask({"scope": everything}, scope="events:write").json()["scope"] == "events:write"
    refuses("invalid_scope", {"scope": "events:write"}, scope="events:read")
    for nothing in ("contacts:read", "openid", "EVENTS:READ", "events:*", "", " "):
        refuses("invalid_scope", scope=nothing)
    for odd in (["events:read"], 7, {}, True):
        refuses(scope=odd)
    change(resources={})
    refuses(scope="events:read")


@spec("MCP", "Enterprise-Managed Authorization 7.2.1")
def test_a_grant_that_names_no_scope_opens_what_is_usual_and_changes_nothing(ask, refuses):
    assert ask(scope=None).json()["scope"] == "events:read"
    refuses("invalid_scope", {"scope": "events:write"}, scope=None)


@spec("MCP", "Enterprise-Managed Authorization 7.6.2")
def test_the_resource_is_one_of_ours_that_this_issuer_opens(world, elsewhere, ask, refuses):
    at = world.calendar.identifier
    assert claims(ask(resource=[at]).json()["access_token"])["aud"] == at
    wrong = [
        world.notes.identifier, elsewhere.calendar.identifier, world.tenant.api_identifier, world.tenant.issuer,
        f"{at}/", at[:-1], "", "https://[", "a\x00b", "x" * 3000, [], [7], [[at]], {"resource": at}, 7, True,
    ]  # fmt: skip
    for each in wrong:
        refuses(resource=each)


@spec("ID-JAG", "4.4.1")
def test_a_request_chooses_among_the_resources_of_the_claim_and_nothing_beside_them(world, ask, refuses, change):
    at, notes = world.calendar.identifier, world.notes.identifier
    assert ask({"resource": at}).status_code == 200
    refuses("invalid_target", {"resource": notes})
    refuses("invalid_target", {"resource": [at, notes]})
    change(resources={at: SCOPES, notes: ["notes:read"]})
    refuses("invalid_target", {"resource": notes})
    refuses("invalid_target", resource=[at, notes])
    refuses("invalid_target", resource=None)
    chosen = ask({"resource": notes}, resource=[at, notes], scope="notes:read").json()["access_token"]
    assert claims(chosen)["aud"] == notes
    assert ask({"resource": at}, resource=[at, notes]).status_code == 200


@spec("ID-JAG", "4.4.1")
def test_a_grant_without_a_resource_is_for_the_only_one_that_its_issuer_opens(world, ask):
    assert claims(ask(resource=None).json()["access_token"])["aud"] == world.calendar.identifier


# --- who it is about


@spec("ID-JAG", "4.4")
def test_a_link_decides_and_no_claim_moves_it(world, ask, change):
    bob = world.people["bob"]
    change(mappings=["aud_sub", "email", "new_member"], email_domains=[bob.email.split("@")[1]])
    alice = world.people["alice"].pk
    for said in ({}, {"aud_sub": bob.pk}, {"email": bob.email, "email_verified": True}, {"name": "Bob"}):
        assert subject_of(ask(**said)) == alice


@spec("ID-JAG", "9.5")
def test_a_subject_that_is_not_linked_is_nobody_whatever_else_is_said(world, refuses):
    bob = world.people["bob"]
    for said in ({}, {"aud_sub": bob.pk}, {"email": bob.email, "email_verified": True}, {"sub_id": {"id": bob.pk}}):
        refuses(sub="f-bob", **said)
    for sub in (None, "", "F-ALICE", "f-alice ", ["f-alice"], {"sub": "f-alice"}, 7, "f-alice\x00", "x" * 256, bob.pk):
        refuses(sub=sub)


@spec("ID-JAG", "9.5")
def test_our_own_id_of_a_person_counts_only_where_the_admin_said_so(world, elsewhere, ask, refuses, change):
    bob = world.people["bob"]
    change(mappings=["aud_sub"])
    for odd in ("usr_nobody", elsewhere.people["bob"].pk, bob.email, [bob.pk], 7, "a\x00b", "x" * 300, ""):
        refuses(sub="f-bob", aud_sub=odd)
    assert subject_of(ask(sub="f-bob", aud_sub=bob.pk)) == bob.pk
    with context.use(world.tenant):
        assert SubjectLink.objects.get(subject="f-bob").how == "aud_sub"
    assert subject_of(ask(sub="f-bob")) == bob.pk


@spec("ID-JAG", "9.5")
def test_an_address_counts_only_verified_of_a_named_domain_where_the_admin_said_so(world, ask, refuses, change):
    bob = world.people["bob"]
    domain = bob.email.partition("@")[2]
    change(mappings=["email"], email_domains=["other.example"])
    refuses(sub="f-bob", email=bob.email, email_verified=True)
    change(email_domains=[domain])
    wrong = [
        {"email": bob.email}, {"email": bob.email, "email_verified": False}, {"email": bob.email, "email_verified": 1},
        {"email": bob.email, "email_verified": "true"},
    ]  # fmt: skip
    for odd in ([bob.email], f"nobody@{domain}", f"bob@sub.{domain}", f"@{domain}", f"bob\x00@{domain}", "b\u00f3b@x"):
        wrong.append({"email": odd, "email_verified": True})
    for each in wrong:
        refuses(sub="f-bob", **each)
    assert subject_of(ask(sub="f-bob", email=bob.email.upper(), email_verified=True)) == bob.pk
    assert subject_of(ask(sub="f-bob")) == bob.pk


@spec("ID-JAG", "9.5")
def test_somebody_new_becomes_a_member_only_where_the_admin_said_so(world, ask, refuses, change):
    refuses(sub="f-new")
    change(mappings=["new_member"], email_domains=["new.example"])
    said = {"sub": "f-new", "email": "new@new.example", "email_verified": True, "name": "Newcomer"}
    subject = subject_of(ask(**said))
    with context.use(world.tenant):
        member = Membership.objects.select_related("user").get(pk=subject)
    assert (member.role, member.email, member.name) == ("member", "new@new.example", "Newcomer")
    assert not member.user.has_usable_password()
    assert subject_of(ask(sub="f-new")) == subject
    assert [each.detail["how"] for each in world.entries("trust.subject_linked")] == ["admin", "new_member"]


@spec("ID-JAG", "9.5")
def test_a_new_member_is_nobody_who_has_an_account_already(world, elsewhere, ask, change):
    """nOAuth: the address of somebody's account, in whatever tenant, opens that account to nobody."""
    bob, other = world.people["bob"], elsewhere.people["bob"]
    change(mappings=["new_member"], email_domains=[each.email.split("@")[1] for each in (bob, other)])
    for number, known in enumerate((bob, other)):
        subject = subject_of(ask(sub=f"f-{number}", email=known.email, email_verified=True))
        with context.use(world.tenant):
            member = Membership.objects.select_related("user").get(pk=subject)
        assert subject not in {bob.pk, other.pk}
        assert member.user.pk != known.user.pk
        assert member.email != known.email
    assert User.objects.filter(email__in=[bob.email, other.email]).count() == 2


@spec("ID-JAG", "4.4")
def test_a_person_whose_place_is_closed_gets_nothing_and_no_new_place(world, ask, refuses, change):
    alice = world.people["alice"]
    change(mappings=["new_member", "email"], email_domains=[alice.email.split("@")[1]])
    assert subject_of(ask()) == alice.pk
    with context.use(world.tenant):
        tenant_actions.suspend_member(alice, by=SYSTEM, reason="left")
    refuses()
    refuses(sub="f-other", email=alice.email, email_verified=True)


# --- who acted


@spec("ID-JAG", "9.7")
def test_who_acted_elsewhere_stands_inside_under_the_issuer_s_names(world, who, ask, foreign):
    def act(said):
        return claims(ask(act=said).json()["access_token"])["act"]

    (ours,) = [chains.acting(world, who)]
    assert act(None) == ours
    assert act({"sub": "bot"}) == {**ours, "act": {"iss": foreign.url, "sub": "bot"}}
    said = {"iss": "https://c.example", "sub": "bot", "sub_profile": "ai_agent", "role": "admin", "exp": 1}
    kept = {"iss": "https://c.example", "sub": "bot", "sub_profile": "ai_agent"}
    assert act({**said, "act": {"sub": "inner", "scope": "all"}}) == {
        **ours,
        "act": {**kept, "act": {"iss": foreign.url, "sub": "inner"}},
    }


@spec("ID-JAG", "9.7")
def test_an_act_that_cannot_be_read_or_is_too_deep_is_refused(world, ask, refuses):
    def nested(depth):
        return {"sub": f"a{depth}", **({"act": nested(depth - 1)} if depth > 1 else {})}

    assert ask(act=nested(world.tenant.deepest_chain)).status_code == 200
    wrong = [
        nested(world.tenant.deepest_chain + 1), nested(20), "bot", ["bot"], [{"sub": "bot"}], 7, True, {}, {"sub": ""},
        {"sub": 7}, {"sub": ["bot"]}, {"iss": "https://c.example"}, {"sub": "bot", "iss": 7}, {"sub": "b\x00t"},
        {"sub": "x" * 513}, {"sub": "bot", "act": None}, {"sub": "bot", "act": "inner"}, {"sub": "b", "sub_profile": 7},
    ]  # fmt: skip
    for each in wrong:
        refuses(act=each)
