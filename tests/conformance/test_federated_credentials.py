"""A platform's token in the place of a client's secret: CI jobs and pods, with nothing stored (CAUTH-13)."""

import json
import time

import pytest

from tests.harness import chain, platforms
from tests.harness.footprint import leaves_only
from tests.harness.hostile import json_answer
from tests.harness.platforms import ACCOUNT, CLUSTER, GITHUB, MAIN, POD, named, workload
from tests.harness.wire import assert_refused
from tests.harness.world import Credentials, World, claims
from tests.spec import spec

BRANCHES = "repo:acme/deploy:ref:refs/heads/*"
SAME_ACCOUNT = {"kubernetes.io|namespace": "agents", "kubernetes.io|serviceaccount|uid": ACCOUNT["uid"]}

AUDIENCES = [None, "", "https://github.com/acme", "{issuer}/", "{issuer}/token", "{issuer}x", "*", "sigstore", 7,
     ["{issuer}", "https://evil.example"], ["https://evil.example", "{issuer}"], ["{issuer}", "{issuer}"], [],
     [["{issuer}"]], {"a": "{issuer}"}]  # fmt: skip
LOOK_ALIKES = [
        GITHUB + "/", GITHUB + "/acme", GITHUB.upper(), "HTTPS" + GITHUB[5:], "http" + GITHUB[5:], GITHUB + ":443",
        "https://token.actions.githubusercontent.com.evil.example", "https://xtoken.actions.githubusercontent.com",
        " " + GITHUB, "", None, [GITHUB], 7,
    ]  # fmt: skip
SUBJECTS = [
        "repo:acme/other:ref:refs/heads/main", "repo:acme/deploy-evil:ref:refs/heads/main",
        "repo:acme/deploy:ref:refs/heads/main-2", "repo:acme/deploy:ref:refs/heads/mai", "repo:acme/deploy",
        "repo:evil/deploy:ref:refs/heads/main", "x" + MAIN, MAIN + ":environment:production", MAIN + "\n",
        MAIN.upper(), "repo:acme/deploy:pull_request", "*", "", None, [MAIN], {"sub": MAIN}, 7,
    ]  # fmt: skip
UNPINNED = [
        {"repository_id": "74182007"}, {"repository_id": None}, {"repository_id": 74182006}, {"repository_id": ""},
        {"repository_id": ["74182006"]}, {"repository_owner_id": "1"}, {"repository_owner_id": None},
        {"event_name": "pull_request"}, {"event_name": "pull_request_target"}, {"event_name": "PUSH"},
    ]  # fmt: skip
BEYOND_A_PART = [
        "repo:acme/deploy:ref:refs/heads/feature/x", "repo:acme/deploy:ref:refs/heads/", "repo:acme/deploy-evil:ref:"
        "refs/heads/main", "repo:acme/deploy:ref:refs/tags/v1", "repo:acme/deploy:ref:refs/heads/main:x",
        "repo:acme/deploy:ref:refs/heads", "y" + MAIN, "repo:acme/deploy:ref:refs/heads/:",
    ]  # fmt: skip


def a_job(world: World) -> platforms.Workload:
    return workload(world, named(GITHUB))


def a_pod(world: World) -> platforms.Workload:
    return workload(world, named(CLUSTER), subject=POD, claims=SAME_ACCOUNT, shape=platforms.pod)


@pytest.fixture
def ci(world: World) -> platforms.Workload:
    """A CI job of one repository's main branch, which is a client."""
    made = a_job(world)
    assert made.ask().status_code == 200
    return made


@pytest.fixture
def cluster(world: World) -> platforms.Workload:
    """A service account of one namespace, which is a client."""
    made = a_pod(world)
    assert made.ask().status_code == 200
    return made


def in_seconds(seconds: int) -> int:
    return int(time.time()) + seconds


# --- what is accepted


@spec("RFC 7521", "4.2")
def test_a_ci_job_gets_a_token_of_its_own_for_its_platform_s_word(world, ci):
    answer = ci.ask()
    assert answer.status_code == 200
    assert set(answer.json()) == {"access_token", "token_type", "expires_in", "scope"}
    content = claims(answer.json()["access_token"])
    assert content["sub"] == ci.client.agent_id
    assert content["client_id"] == ci.client.client_id
    assert content["aud"] == world.calendar.identifier
    assert "act" not in content
    assert world.is_active(answer.json()["access_token"])


@spec("RFC 7521", "4.2")
def test_a_pod_gets_a_token_of_its_own_for_its_cluster_s_word(cluster):
    assert claims(cluster.ask().json()["access_token"])["sub"] == cluster.client.agent_id


@spec("RFC 8693", "2.1")
@pytest.mark.parametrize("kind", [a_job, a_pod])
def test_a_workload_exchanges_what_a_person_s_agent_hands_it(world, kind):
    runs = kind(world)
    planner = chain.asker(world)
    world.let_hand_on(planner, Credentials(runs.client))
    granted = chain.allow(world, planner)["access_token"]
    form = {
        "grant_type": "urn:ietf:params:oauth:grant-type:token-exchange",
        "subject_token": granted,
        "subject_token_type": "urn:ietf:params:oauth:token-type:access_token",
    }
    assert_refused(platforms.post(world, form | runs.proof(sub="somebody:else")), "invalid_client", 401)
    answer = platforms.post(world, form | runs.proof())
    assert answer.status_code == 200, answer.text
    assert claims(answer.json()["access_token"])["act"]["sub"] == runs.client.agent_id


def test_a_platform_s_token_may_come_again_until_it_expires(ci):
    token = ci.token()
    assert [ci.ask(token).status_code for _ in range(3)] == [200, 200, 200]


@spec("RFC 7517", "5")
def test_keys_may_lie_at_an_address_which_is_asked_once_while_they_are_fresh(world, documents):
    path = f"/{world.tenant.slug}/jwks"
    platform = named(GITHUB)
    documents.answers[path] = json_answer(json.dumps(platform.jwks).encode())
    runs = workload(world, platform, key_source="jwks_uri", jwks={}, jwks_uri=documents.url(path))
    assert [runs.ask().status_code for _ in range(3)] == [200, 200, 200]
    assert documents.seen.count(path) == 1


def test_a_credential_may_name_an_audience_of_its_own_and_then_the_issuer_is_none(world):
    runs = workload(world, named(GITHUB), audience="remit-deploys")
    assert runs.ask(runs.token(aud="remit-deploys")).status_code == 200
    runs.refuses(runs.token())


def test_clocks_may_differ_by_a_minute(ci):
    late = {"exp": in_seconds(-50), "nbf": in_seconds(-400), "iat": in_seconds(-400)}
    assert ci.ask(ci.token(**late)).status_code == 200
    assert ci.ask(ci.token(iat=in_seconds(50), nbf=in_seconds(50))).status_code == 200
    ci.refuses(ci.token(**{**late, "exp": in_seconds(-300)}))
    ci.refuses(ci.token(iat=in_seconds(300)))
    ci.refuses(ci.token(nbf=in_seconds(300)))


# --- who it says it is


@spec("RFC 7521", "4.2")
def test_a_platform_s_token_names_no_client_so_the_request_must(ci):
    ci.refuses(client_id=None)
    ci.refuses(client_id="")


def test_a_token_proves_no_other_client(world, ci):
    other = workload(world, ci.platform, subject="repo:acme/other:ref:refs/heads/main", trusted=ci.trusted)
    for somebody in (other.client.client_id, world.worker().id, world.public_client().id, "nobody", MAIN):
        ci.refuses(client_id=somebody)


def test_an_audience_other_than_the_issuer_alone_is_refused(ci):
    ci.refuses(*(ci.token(aud=each) for each in AUDIENCES))


def test_a_pod_s_token_for_another_audience_too_is_refused(cluster):
    wide = (["{issuer}", "https://kubernetes.default.svc"], ["https://kubernetes.default.svc"], [])
    cluster.refuses(
        *(platforms.pod(cluster.platform, None, aud=platforms.filled(cluster.world, each)) for each in wide)
    )


def test_a_token_for_the_tenant_beside_is_refused(elsewhere, ci):
    ci.refuses(ci.token(aud=elsewhere.tenant.issuer))


def test_an_issuer_that_looks_like_a_trusted_one_is_another(ci):
    ci.refuses(*(ci.token(iss=each) for each in LOOK_ALIKES))


def test_nobody_asks_an_issuer_that_is_not_trusted_for_its_keys(world, ci, documents):
    base = f"/{world.tenant.slug}/stranger"
    stranger = named(documents.url(base))
    before = len(documents.seen)
    ci.refuses(platforms.job(stranger, world.tenant.issuer))
    ci.refuses(platforms.job(stranger, world.tenant.issuer, header={"kid": "unknown"}))
    assert len(documents.seen) == before


def test_the_same_names_at_another_trusted_issuer_are_nobody_here(world, ci):
    other = named("https://ci.other.example")
    platforms.trust(world, other)
    ci.refuses(platforms.job(other, world.tenant.issuer))


def test_an_issuer_that_only_the_tenant_beside_trusts_is_unknown(world, elsewhere):
    runs = workload(elsewhere, named(GITHUB))
    assert runs.ask().status_code == 200
    with leaves_only(world):
        answer = platforms.post(world, {"grant_type": "client_credentials"} | runs.proof(aud=world.tenant.issuer))
    assert_refused(answer, "invalid_client", 401)


# --- what it must be about


def test_a_subject_that_is_not_exactly_the_one_that_was_written_is_refused(ci):
    ci.refuses(*(ci.token(sub=each) for each in SUBJECTS))


def test_a_star_stands_for_one_part_of_a_subject_and_no_more(world):
    runs = workload(world, named(GITHUB), subject=BRANCHES)
    for branch in ("main", "release-1.2"):
        assert runs.ask(runs.token(sub=f"repo:acme/deploy:ref:refs/heads/{branch}")).status_code == 200
    runs.refuses(*(runs.token(sub=each) for each in BEYOND_A_PART))


def test_every_pinned_claim_must_be_there_with_its_very_value(ci):
    ci.refuses(*(ci.token(**each) for each in UNPINNED))


def test_a_repository_that_took_an_old_name_is_another(ci):
    ci.refuses(ci.token(repository_id="99000001", repository_owner_id="99000002"))


def test_a_service_account_that_took_an_old_name_is_another(cluster):
    again = {"namespace": "agents", "serviceaccount": {**ACCOUNT, "uid": "00000000-0000-0000-0000-000000000000"}}
    cluster.refuses(cluster.token(**{"kubernetes.io": again}))


def test_what_a_pod_is_bound_to_must_be_there(cluster):
    bound = (None, "agents", [], {}, {"namespace": "agents"}, {"namespace": "agents", "serviceaccount": ACCOUNT["uid"]})
    cluster.refuses(*(cluster.token(**{"kubernetes.io": each}) for each in bound))


def test_another_service_account_is_refused(cluster):
    others = (POD + "2", "system:serviceaccount:other:scout", "system:serviceaccount:agents")
    cluster.refuses(*(cluster.token(sub=each) for each in others))


# --- time


def test_a_token_that_does_not_say_until_when_it_is_good_is_refused(ci):
    ci.refuses(*(ci.token(exp=each) for each in (None, 0, -1, "soon", True, 1.5, [1], {})))


def test_a_token_that_is_good_for_longer_than_the_issuer_may_say_is_refused(world):
    runs = workload(world, named(GITHUB), longest_seconds=300)
    assert runs.ask(runs.token(exp=in_seconds(290))).status_code == 200
    for seconds in (500, 86_400):
        runs.refuses(runs.token(exp=in_seconds(seconds)))
