"""Whoever may say whom to believe, and may appoint no admin, becomes none by what they say: at either door."""

from datetime import timedelta

import pytest
from django.utils import timezone

from audit.principals import SYSTEM
from kit import context
from tenants.models import User
from tests.conformance.test_company_sign_in import arrives, signed_in
from tests.conformance.test_resources_api import asker
from tests.harness import company, domains
from tests.harness.domains import Foreign
from tests.harness.footprint import leaves_only
from tests.spec import spec
from trust import providers
from trust.models import IdentityProvider, SubjectLink

BEFORE = {"mappings": ["email", "new_member"], "email_domains": ["initech.example"]}
SETS = {"client_id": "remit", "client_secret": "a-secret-there"}


@pytest.fixture
def bob(world):
    """Bob looks after security, through an app and with a browser."""
    world.rewrite(world.people["bob"], role="security")
    return asker(world, "bob", "trust:read trust:write")


@pytest.fixture
def ada(world):
    return asker(world, "ada", "trust:read trust:write")


@pytest.fixture
def confirmed(world, initech):
    """A provider whose word an operator, as an admin would, lets stand for admins."""
    return company.let_sign_in_at(world, initech.url, "remit", "a-secret-there", **BEFORE)


@pytest.fixture
def his(world, initech, bob):
    """A provider that Bob set up, and whose keys might be his."""
    words = {"issuer": initech.url, "name": "Bob's", "key_source": "metadata", "purposes": ["sign_in"], **BEFORE}
    made = bob("POST", "/trust/issuers", words)
    assert (made.status_code, made.json()["vouched_as"]) == (201, "security"), made.text
    assert bob("PUT", f"/trust/issuers/{made.json()['id']}/sign-in", SETS).status_code == 200
    return there(world)


def press(world, page, place, action, **fill):
    """Fill a form of a page in, as somebody who is signed in there."""
    assert page.go(world.url(f"/console{place}")).status_code == 200
    with leaves_only(world):
        assert page.submit(page.form(action), fill).status_code == 422


def there(world):
    with context.use(world.tenant):
        return IdentityProvider.objects.select_related("issuer").get()


def place(provider):
    return f"/trust/issuers/{provider.issuer_id}"


def role_here(world, browser):
    """Return 200 where who signed in is an admin: nobody else's role opens this page; or 0 where nobody did."""
    return browser.go(world.url("/console/settings/pause")).status_code if signed_in(world, browser) else 0


@spec("RFC 9700", "2.3")
def test_security_links_no_subject_to_an_admin_and_one_to_a_member_is_no_admin_later(world, initech, confirmed, bob):
    ada, alice = world.people["ada"], world.people["alice"]
    with leaves_only(world):
        refused = bob("POST", f"{place(confirmed)}/links", {"subject": "bob-there", "member": ada.pk})
    assert (refused.status_code, refused.json()["title"]) == (403, "Your role does not allow this")
    press(world, world.browser("bob"), place(confirmed), "/links", subject="bob-there", email=world.email("ada"))
    with context.use(world.tenant):
        assert not SubjectLink.objects.exists()
    assert bob("POST", f"{place(confirmed)}/links", {"subject": "bob-there", "member": alice.pk}).status_code == 201
    assert signed_in(world, arrives(world, initech, confirmed, "bob-there"))
    world.rewrite(alice, role="admin")
    assert not signed_in(world, arrives(world, initech, confirmed, "bob-there"))
    assert "an admin has to" in world.entries("login.refused")[-1].reason


@spec("RFC 9700", "2.3")
def test_an_admin_links_an_admin(world, initech, confirmed, ada):
    said = {"subject": "ada-there", "member": world.people["ada"].pk}
    assert ada("POST", f"{place(confirmed)}/links", said).status_code == 201
    assert role_here(world, arrives(world, initech, confirmed, "ada-there")) == 200


@spec("RFC 9700", "2.3")
@pytest.mark.parametrize(
    "roles",
    [[["mine", "admin"]], [["mine", "auditor"], ["boss", "admin"]], [["staff", "auditor"]], []],
    ids=["another", "one before", "moved up", "taken away"],
)
def test_security_moves_no_pair_that_gives_admin(world, confirmed, bob, roles):
    with context.use(world.tenant):
        pairs = [["boss", "admin"], ["staff", "auditor"]]
        providers.set_provider(confirmed.issuer, by=SYSTEM, client_id="remit", roles=pairs)
    with leaves_only(world):
        assert bob("PUT", f"{place(confirmed)}/sign-in", {**SETS, "roles": roles}).status_code == 403
        moved = {**SETS, "roles": pairs, "groups_claim": "nicknames"}
        assert bob("PUT", f"{place(confirmed)}/sign-in", moved).status_code == 403
    lines = "\n".join(": ".join(each) for each in roles)
    press(world, world.browser("bob"), place(confirmed), "/sign-in", roles=lines)
    assert there(world).roles == pairs
    further = [*pairs[:1], ["it-security", "security"]]
    assert bob("PUT", f"{place(confirmed)}/sign-in", {**SETS, "roles": further}).status_code == 200


@spec("RFC 9700", "2.3")
def test_a_provider_of_securitys_own_signs_no_admin_in_until_an_admin_confirms_it(world, initech, his, bob, ada):
    def as_ada():
        User.objects.filter(pk=world.people["ada"].user_id).update(email="ada.of.security@initech.example")
        return arrives(
            world, initech, there(world), "bob-as-ada", email="ada.of.security@initech.example", email_verified=True
        )

    assert not signed_in(world, as_ada())
    with context.use(world.tenant):
        assert not SubjectLink.objects.exists()
    assert signed_in(world, arrives(world, initech, his))
    confirm = f"{place(his)}/confirm"
    assert bob("POST", confirm, {}).status_code == 403
    assert ada("POST", confirm, {}, **{"If-Match": '"1"'}).json()["vouched_as"] == "admin"
    assert role_here(world, as_ada()) == 200
    (entry,) = world.entries("trust.issuer_confirmed")
    assert (entry.detail["before"], entry.detail["after"]) == ("security", "admin")


@spec("RFC 9700", "2.3")
def test_security_changes_the_ceilings_of_a_confirmed_issuer_and_not_whose_word_it_is(world, confirmed, bob):
    stays = {"name": "Initech", "longest_seconds": 60, "purposes": ["sign_in"]}
    assert bob("PATCH", place(confirmed), stays).status_code == 200
    for moved in (
        {"key_source": "pasted", "jwks": Foreign().jwks},
        {"purposes": ["sign_in", "id_jag"]},
        {"mappings": ["email", "aud_sub"]},
        {"email_domains": ["initech.example", "acme.example"]},
        {"required_claims": {"tid": "mine"}},
    ):
        with leaves_only(world):
            assert bob("PATCH", place(confirmed), moved).status_code == 403, moved
    press(world, world.browser("bob"), place(confirmed), "/change", mappings=["email", "aud_sub"])
    assert bob("PUT", f"{place(confirmed)}/sign-in", {**SETS, "client_id": "bobs"}).status_code == 403
    assert bob("PATCH", place(confirmed), {"is_enabled": False}).status_code == 200


@spec("ID-JAG", "9.5")
@pytest.mark.parametrize("how", ["aud_sub", "email"])
def test_an_issuer_of_securitys_own_says_nothing_of_what_an_admins_agents_may(world, bob, ada, how):
    foreign, who = Foreign(), domains.presenter(world)
    words = {
        "issuer": foreign.url,
        "key_source": "pasted",
        "jwks": foreign.jwks,
        "purposes": ["id_jag"],
        "resources": {world.calendar.identifier: ["events:read"]},
        "any_client": True,
        "mappings": [how],
        "email_domains": [world.email("ada").partition("@")[2]],
    }
    made = bob("POST", "/trust/issuers", words)
    assert made.status_code == 201

    def about(person):
        said = {"sub": person, "aud_sub": world.people[person].pk, "email": world.email(person), "email_verified": True}
        return domains.present(world, who, foreign.grant(world, who, **said))

    assert about("alice").status_code == 200
    assert about("ada").json()["error"] == "invalid_grant"
    assert ada("POST", f"/trust/issuers/{made.json()['id']}/confirm", {}).status_code == 200
    assert about("ada").status_code == 200


@spec("RFC 9700", "2.3")
def test_whose_role_ends_gives_through_trust_nothing_that_lasts(world, initech, confirmed, bob):
    alice = world.people["alice"]
    world.rewrite(alice, role="security")
    link = {"subject": "bob-there", "member": alice.pk}
    pair = {**SETS, "roles": [["mine", "security"]]}
    world.rewrite(world.people["bob"], role_until=timezone.now() + timedelta(days=1))
    assert bob("POST", f"{place(confirmed)}/links", link).status_code == 403
    assert bob("PUT", f"{place(confirmed)}/sign-in", pair).status_code == 403
    world.rewrite(world.people["bob"], role_until=None)
    assert bob("POST", f"{place(confirmed)}/links", link).status_code == 201
    assert bob("PUT", f"{place(confirmed)}/sign-in", pair).status_code == 200
