"""Trust over REST: what an admin says of issuers and audiences, and trying an assertion without spending it."""

import pytest

from audit.models import Entry
from kit import context
from tests.conformance.test_api import api_token, call
from tests.harness import domains
from tests.harness.domains import Foreign
from tests.harness.footprint import leaves_only
from tests.harness.world import make
from tests.spec import spec
from trust.models import TrustedIssuer, UsedGrant

SCOPES = "trust:read trust:write"


@pytest.fixture
def admin(world):
    """Return a call as ada, through an app that she lets do so."""
    token = api_token(world, world.public_client(), "ada", SCOPES)

    def ask(method, path, body=None):
        return world.http.request(
            method, world.url(f"/api/v1/trust{path}"), headers={"Authorization": f"Bearer {token}"}, json=body
        )

    return ask


def words(world, foreign, **changes):
    return {
        "issuer": foreign.url,
        "key_source": "pasted",
        "jwks": foreign.jwks,
        "purposes": ["id_jag"],
        "resources": {world.calendar.identifier: ["events:read"]},
        "any_client": True,
    } | changes


@spec("ID-JAG", "9.3")
def test_an_issuer_that_an_admin_trusts_over_the_api_is_believed_at_once_and_no_more_once_it_is_switched_off(
    world, admin
):
    foreign, who = Foreign(), domains.presenter(world)
    made = admin("POST", "/issuers", words(world, foreign))
    assert made.status_code == 201, made.text
    assert "jwks" not in made.json()
    place = f"/issuers/{made.json()['id']}"
    link = admin("POST", f"{place}/links", {"subject": "f-alice", "member": world.people["alice"].pk})
    assert link.status_code == 201, link.text
    assert domains.present(world, who, foreign.grant(world, who)).status_code == 200
    off = admin("PATCH", place, {"is_enabled": False})
    assert (off.status_code, off.json()["is_enabled"]) == (200, False)
    assert domains.present(world, who, foreign.grant(world, who)).json()["error"] == "invalid_grant"
    assert admin("PATCH", place, {"is_enabled": True}).status_code == 200
    assert domains.present(world, who, foreign.grant(world, who)).status_code == 200
    assert [each.principal_id for each in world.entries("trust.issuer_trusted")] == [world.people["ada"].pk]


@spec("ID-JAG", "9.5")
def test_a_link_is_made_once_and_what_is_unlinked_is_nobody(world, admin):
    foreign, who = Foreign(), domains.presenter(world)
    place = f"/issuers/{admin('POST', '/issuers', words(world, foreign)).json()['id']}/links"
    link = admin("POST", place, {"subject": "f-alice", "member": world.people["alice"].pk}).json()
    assert admin("POST", place, {"subject": "f-alice", "member": world.people["bob"].pk}).status_code == 409
    assert [each["member"] for each in admin("GET", place).json()["links"]] == [world.people["alice"].pk]
    assert admin("DELETE", f"{place}/{link['id']}").status_code == 204
    assert domains.present(world, who, foreign.grant(world, who)).json()["error"] == "invalid_grant"


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"issuer": "http://idp.example"}, "https URL"),
        ({"issuer": "https://idp.example/?a=b"}, "without query"),
        ({"issuer": "https://127.0.0.1/"}, "host name"),
        ({"purposes": ["everything"]}, "Unknown purpose"),
        ({"algorithms": ["HS256"]}, "Unknown algorithm"),
        ({"algorithms": []}, "At least one algorithm"),
        ({"jwks": {"keys": [{"kty": "oct", "k": "AAAA"}]}}, "not a public one"),
        ({"mappings": ["email"]}, "needs the domains"),
        ({"longest_seconds": 86400}, "3600 seconds"),
        ({"purposes": {"id_jag": 1}}, "listed"),
        ({"clients": [7]}, "listed"),
        ({"algorithms": "RS256"}, "listed"),
        ({"resources": ["x"]}, "by resource"),
        ({"resources": {"https://x.example/": [{}]}}, "each as a word"),
        ({"required_claims": [1]}, "objects"),
        ({"resources": {"https://elsewhere.example/": ["x"]}}, "not a resource server of this organisation"),
    ],
)
@spec("ID-JAG", "9.3")
def test_what_cannot_hold_is_refused_in_words_and_writes_nothing(world, admin, changes, said):
    foreign = Foreign()
    with leaves_only(world):
        answer = admin("POST", "/issuers", words(world, foreign, **changes))
    assert answer.status_code == 422, answer.text
    assert said in answer.json()["detail"]
    assert answer.headers["content-type"] == "application/problem+json"
    assert admin("POST", "/issuers", words(world, foreign)).status_code == 201
    assert admin("POST", "/issuers", words(world, foreign)).status_code == 409


@spec("ID-JAG", "9.3")
def test_a_tenant_does_not_trust_itself(world, admin):
    own = words(world, Foreign(), issuer=world.tenant.issuer)
    assert "does not trust itself" in admin("POST", "/issuers", own).json()["detail"]


@pytest.mark.parametrize(("person", "reads", "writes"), [("ada", 200, 201), ("bob", 403, 403)])
@spec("RFC 9700", "2.3")
def test_only_people_who_look_after_the_tenant_reach_trust(world, person, reads, writes):
    token = api_token(world, world.public_client(), person, SCOPES)
    assert call(world, token, "/trust/issuers").status_code == reads
    body = words(world, Foreign())
    headers = {"Authorization": f"Bearer {token}"}
    answer = world.http.post(world.url("/api/v1/trust/issuers"), headers=headers, json=body)
    assert answer.status_code == writes, answer.text


@spec("RFC 9700", "2.3")
def test_an_auditor_looks_and_changes_nothing_and_a_role_counts_when_it_is_used(world, admin):
    world.rewrite(world.people["ada"], role="auditor")
    assert admin("GET", "/issuers").status_code == 200
    with leaves_only(world):
        assert admin("POST", "/issuers", words(world, Foreign())).status_code == 403
    world.rewrite(world.people["ada"], role="admin")
    assert admin("POST", "/issuers", words(world, Foreign())).status_code == 201


@spec("RFC 6750", "3.1")
def test_an_agents_own_token_reaches_no_trust(world):
    token = world.own_api_token(world.worker(), "trust:read trust:write")
    assert call(world, token, "/trust/issuers").status_code == 403


@spec("RFC 9700", "2.3")
def test_trust_of_another_tenant_is_not_there(world, admin, origin, http):
    other = make(origin, http)
    theirs = domains.trust_foreign(other, Foreign())
    assert admin("GET", f"/issuers/{theirs.pk}").status_code == 404
    assert admin("PATCH", f"/issuers/{theirs.pk}", {"is_enabled": False}).status_code == 404
    other.close()


@spec("ID-JAG", "4.4.1")
def test_an_assertion_is_tried_claim_by_claim_and_is_good_afterwards(world, admin):
    foreign, who = Foreign(), domains.presenter(world)
    domains.trust_foreign(world, foreign)
    assertion = foreign.grant(world, who)
    with leaves_only(world):
        verdict = admin("POST", "/issuers/try", {"assertion": assertion})
    assert verdict.status_code == 200, verdict.text
    assert verdict.json()["would_be_accepted"] is True
    assert {step["verdict"] for step in verdict.json()["steps"]} == {"passed"}
    assert domains.present(world, who, assertion).status_code == 200
    again = admin("POST", "/issuers/try", {"assertion": assertion}).json()
    assert failed(again) == ("jti", "the assertion was used before")


@pytest.mark.parametrize(
    ("step", "changes"),
    [
        ("iss", {"iss": "https://nobody.example"}),
        ("exp, iat, nbf", {"exp": 1}),
        ("aud", {"aud": "https://elsewhere.example"}),
        ("client_id", {"client_id": "somebody-else"}),
        ("resource", {"resource": "https://elsewhere.example/"}),
        ("scope", {"scope": "nothing:known"}),
        ("act", {"act": "agent"}),
        ("sub", {"sub": "a-stranger"}),
    ],
)
@spec("ID-JAG", "4.4.1")
def test_the_step_that_fails_says_why_and_those_after_it_are_not_reached(world, admin, step, changes):
    foreign, who = Foreign(), domains.presenter(world)
    domains.trust_foreign(world, foreign)
    with leaves_only(world):
        verdict = admin("POST", "/issuers/try", {"assertion": foreign.grant(world, who, **changes)}).json()
    assert verdict["would_be_accepted"] is False
    assert failed(verdict)[0] == step
    names = [each["verdict"] for each in verdict["steps"]]
    assert names == sorted(names, key=["passed", "failed", "not_reached"].index)
    answer = domains.present(world, who, foreign.grant(world, who, **changes))
    assert answer.status_code == 400


def failed(verdict):
    """Return the step that failed, and why."""
    (found,) = [(each["step"], each["reason"]) for each in verdict["steps"] if each["verdict"] == "failed"]
    return found


@spec("ID-JAG", "4.4.1")
def test_what_is_pasted_is_kept_nowhere(world, admin):
    foreign, who = Foreign(), domains.presenter(world)
    domains.trust_foreign(world, foreign)
    assertion = foreign.grant(world, who, jti="a-jti-of-a-trial")
    admin("POST", "/issuers/try", {"assertion": assertion})
    with context.use(world.tenant):
        assert not UsedGrant.objects.exists()
        assert not any(assertion[:40] in str(entry.detail) + entry.reason for entry in Entry.objects.all())


@spec("ID-JAG", "4.3")
def test_who_is_let_across_is_said_over_the_api(world, admin, origin, http):
    globex = make(origin, http)
    across = domains.make(world, globex)
    place = f"/audiences/{across.audience.pk}"
    assert admin("GET", f"{place}/names").json()["names"] == [
        {"client": across.here.id, "client_id_there": across.there.id}
    ]
    (rule,) = admin("GET", f"{place}/rules").json()["rules"]
    assert across.request().status_code == 200
    assert admin("DELETE", f"{place}/rules/{rule['id']}").status_code == 204
    assert across.request().json()["error"] == "access_denied"
    said = {"client": across.here.id, "resource": globex.calendar.identifier, "scopes": ["events:read"]}
    assert admin("POST", f"{place}/rules", said).status_code == 201
    assert across.request().json()["error"] == "access_denied", "no person is named"
    assert admin("POST", f"{place}/rules", {**said, "members": [world.people["alice"].pk]}).status_code == 201
    assert across.request().status_code == 200
    assert admin("POST", f"{place}/rules", {**said, "members": ["usr_nobody"]}).status_code == 400
    assert admin("POST", f"{place}/rules", {**said, "scopes": ["more"]}).status_code == 422
    assert admin("POST", f"{place}/rules", {**said, "scopes": [{}]}).status_code == 422
    assert admin("POST", f"{place}/rules", {**said, "groups": {"a": 1}}).status_code == 422
    assert admin("PATCH", place, {"is_enabled": False}).status_code == 200
    assert across.request().json()["error"] == "invalid_target"
    globex.close()


@spec("ID-JAG", "9.3")
def test_keys_are_given_and_never_shown(world, admin):
    foreign = Foreign()
    made = admin("POST", "/issuers", words(world, foreign)).json()
    assert "jwks" not in admin("GET", f"/issuers/{made['id']}").json()
    with context.use(world.tenant):
        assert TrustedIssuer.objects.get(pk=made["id"]).jwks == foreign.jwks
