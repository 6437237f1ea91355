"""A token request that waits for a decision instead of being refused (DTR), and what its client is told meanwhile."""

from datetime import timedelta

import pytest
from django.utils import timezone

from agents.models import Agent
from audit.principals import SYSTEM
from kit import context
from tests.harness import deferral, platforms
from tests.harness.deferral import WAITS, Waiting, told
from tests.harness.footprint import leaves_only
from tests.harness.platforms import PLATFORM, brings, named
from tests.harness.wire import assert_refused
from tests.harness.world import Credentials, World, claims, pkce
from tests.spec import spec
from tokens import actions as token_actions
from tokens.models import AccessToken, Deferral


@pytest.fixture
def worker(world: World) -> Credentials:
    """An agent that reads the calendar for itself, and may do no more anywhere."""
    who = world.worker()
    world.rewrite(who.client.agent, ceiling={world.calendar.identifier: ["events:read"]})
    return who


@pytest.fixture
def waiting(world: World, worker: Credentials) -> Waiting:
    """Its request to change things, which waits."""
    return deferral.more(world, worker)


def minted(world: World) -> int:
    with context.use(world.tenant):
        return AccessToken.objects.count()


def counted(world: World) -> tuple[int, int, int]:
    """Return what a poll leaves as it was: tokens, entries, delegations; it may write when it came."""
    return minted(world), len(world.entries()), len(world.delegations())


def agent(world: World, who: Credentials) -> Agent:
    with context.use(world.tenant):
        return Agent.objects.get(pk=who.client.agent_id)


# --- opting in


@spec("DTR", "opting in")
def test_the_metadata_says_that_requests_may_wait_and_by_which_grant_they_are_asked_for_again(world):
    document = world.http.get(world.url("/.well-known/openid-configuration")).json()
    assert document["deferred_token_response_supported"] is True
    assert "urn:ietf:params:oauth:grant-type:deferred" in document["grant_types_supported"]


@spec("DTR", "opting in")
@pytest.mark.parametrize("mode", ["deferred", "push deferred", "deferred  unheard-of"])
def test_whoever_says_so_among_other_words_waits(world, worker, mode):
    deferral.more(world, worker, completion_mode=mode)


@spec("DTR", "opting in")
@pytest.mark.parametrize("mode", [None, "", "push", "Deferred", "deferred,push"])
def test_whoever_does_not_say_so_is_refused_at_once_and_told_where_somebody_can_act(world, worker, mode):
    with leaves_only(world, "token.refused"):
        answer = world.own_token(worker, scope="events:write", completion_mode=mode)
    assert_refused(answer, "invalid_scope", page=world.url("/who-decides"))


@spec("DTR", "opting in")
def test_what_can_be_answered_is_answered_whatever_the_client_would_wait_for(world, worker):
    assert world.own_token(worker, **WAITS).status_code == 200
    assert world.own_token(worker, completion_mode="unheard-of").status_code == 200


@spec("DTR", "opting in")
@pytest.mark.parametrize(
    ("changes", "error"),
    [
        ({"scope": "events:write no:such"}, "invalid_scope"),
        ({"resource": "https://nowhere.example"}, "invalid_target"),
        ({"resource": None}, "invalid_target"),
        ({"client_secret": "x"}, "invalid_request"),
    ],
)
def test_what_nobody_can_allow_is_refused_at_once_even_to_those_who_would_wait(world, worker, changes, error):
    answer = world.own_token(worker, **{"scope": "events:write", **WAITS, **changes})
    assert_refused(answer, error)
    assert "error_uri" not in answer.json()
    with context.use(world.tenant):
        assert not Deferral.objects.exists()


@spec("DTR", "opting in")
def test_a_public_client_has_nothing_of_its_own_to_wait_for(world):
    who = world.public_client()
    world.rewrite(who.client, grant_types=["client_credentials"])
    answer = world.own_token(who, **WAITS)
    assert_refused(answer, "unauthorized_client")


# --- the answer


@spec("DTR", "deferral response")
def test_the_answer_names_a_long_code_how_long_it_is_good_and_how_often_to_ask(waiting):
    assert len(waiting.code) >= 43
    assert (waiting.answer["expires_in"], waiting.answer["interval"]) == (7 * 24 * 3600, 10)


@spec("DTR", "deferral response")
def test_neither_the_code_nor_what_the_request_brought_stands_anywhere(world, worker, waiting):
    with context.use(world.tenant):
        kept = str([Deferral.objects.values().get(pk=waiting.row().pk), *(each.detail for each in world.entries())])
    assert waiting.code not in kept
    assert worker.secret not in kept
    assert world.calendar.identifier not in waiting.row().request


@spec("DTR", "deferral response")
def test_the_question_is_there_with_what_is_asked_and_that_it_is_for_itself(world, worker, waiting):
    question, asked = waiting.question(), {world.calendar.identifier: ["events:write"]}
    assert (question.kind, question.status, question.asked, question.own) == ("scopes", "waiting", asked, asked)
    assert agent(world, worker).status == "active"
    assert world.own_token(worker).status_code == 200
    events = [each.event for each in world.entries()]
    assert events.count("token.deferred") == events.count("approval.asked") == 1


@spec("DTR", "deferral response")
def test_no_more_than_fifty_requests_of_a_client_wait(world, worker, waiting):
    with context.use(world.tenant):
        row = waiting.row()
        copies = [Deferral(**{**_values(row), "id": f"dfr_{number:026}", "code": str(number)}) for number in range(49)]
        Deferral.objects.bulk_create(copies)
    answer = world.own_token(worker, scope="events:write", **WAITS)
    assert_refused(answer, "invalid_scope", page=world.url("/who-decides"))
    world.rewrite(row, expires=timezone.now())
    deferral.more(world, worker)


def _values(row: Deferral) -> dict[str, object]:
    return {field.attname: getattr(row, field.attname) for field in Deferral._meta.concrete_fields}


# --- asking again


@spec("DTR", "polling")
def test_it_waits_until_somebody_decides_and_is_answered_once_as_it_would_have_been(world, worker, waiting):
    before = counted(world)
    assert_refused(waiting.poll(), "authorization_pending")
    assert counted(world) == before
    waiting.approve()
    answer = waiting.poll()
    assert (answer.status_code, answer.headers["cache-control"]) == (200, "no-store")
    body = answer.json()
    assert (body["scope"], body["token_type"]) == ("events:write", "Bearer")
    assert "refresh_token" not in body
    told_of = claims(body["access_token"])
    assert (told_of["sub"], told_of["aud"]) == (worker.client.agent_id, world.calendar.identifier)
    assert world.is_active(body["access_token"])
    assert_refused(waiting.poll(), "invalid_grant")
    assert minted(world) == 1
    issued = world.entries("token.issued")[-1].detail
    assert (issued["grant"], issued["deferral"]) == ("client_credentials", waiting.row().pk)


@spec("DTR", "polling")
def test_whoever_asks_too_often_waits_five_seconds_longer_each_time(world, waiting):
    assert_refused(waiting.poll_now(), "authorization_pending")
    for seconds in (15, 20):
        assert_refused(waiting.poll_now(), "slow_down")
        assert waiting.row().poll_seconds == seconds
    assert_refused(waiting.poll(), "authorization_pending")
    waiting.approve()
    assert waiting.poll_now().status_code == 200


@spec("DTR", "polling")
def test_a_denial_is_told_and_nothing_comes_of_the_request(world, worker, waiting):
    waiting.deny("We do not want that.")
    for _ in range(2):
        assert_refused(waiting.poll(), "access_denied")
    assert minted(world) == 0
    assert agent(world, worker).status == "active"
    assert world.own_token(worker).status_code == 200


@spec("DTR", "polling")
def test_a_denial_that_is_taken_back_lets_it_wait_again(world, waiting):
    waiting.deny()
    waiting.undo()
    assert_refused(waiting.poll(), "authorization_pending")
    waiting.approve()
    assert waiting.poll().status_code == 200


@spec("DTR", "polling")
@pytest.mark.parametrize("decided", [False, True])
def test_after_its_last_second_it_is_over_decided_or_not(world, waiting, decided):
    if decided:
        waiting.approve()
    world.rewrite(waiting.row(), expires=timezone.now() - timedelta(seconds=1))
    assert_refused(waiting.poll(), "expired_token")
    world.rewrite(waiting.row(), expires=timezone.now() + timedelta(seconds=60))
    assert waiting.poll().status_code == (200 if decided else 400)


@spec("DTR", "polling")
def test_another_clients_code_is_an_unknown_one_and_still_good_for_its_own(world, waiting):
    waiting.approve()
    other = world.worker()
    for answer in (waiting.poll(who=other), waiting.poll(deferral_code="x" * 43)):
        assert_refused(answer, "invalid_grant")
    assert_refused(waiting.poll(deferral_code=None), "invalid_request")
    assert waiting.poll().status_code == 200


@spec("DTR", "polling")
def test_who_asks_again_proves_itself_again(world, waiting):
    waiting.approve()
    for wrong in (Credentials(waiting.who.client, "wrong"), Credentials(waiting.who.client)):
        assert_refused(waiting.poll(who=wrong), "invalid_client", 401)
    assert waiting.poll().status_code == 200


@spec("DTR", "polling")
def test_a_code_of_another_tenant_is_unknown(world, elsewhere, waiting):
    waiting.approve()
    twin = elsewhere.worker()
    elsewhere.rewrite(twin.client, client_id=waiting.who.id, client_secret=waiting.who.client.client_secret)
    form = {"grant_type": "urn:ietf:params:oauth:grant-type:deferred", "deferral_code": waiting.code}
    with leaves_only(world), leaves_only(elsewhere, "token.refused"):
        assert_refused(elsewhere.token(waiting.who, form), "invalid_grant")
    assert waiting.poll().status_code == 200


# --- it does not grow


@spec("DTR", "narrowing")
def test_what_was_approved_of_it_is_what_it_gets(world, worker):
    waiting = deferral.more(world, worker, "events:write contacts:read")
    waiting.approve(["contacts:read"])
    assert waiting.poll().json()["scope"] == "contacts:read"
    assert agent(world, worker).ceiling == {world.calendar.identifier: ["contacts:read", "events:read"]}


@spec("DTR", "narrowing")
def test_approved_with_nothing_left_it_is_denied(world, worker, waiting):
    waiting.approve([])
    assert_refused(waiting.poll(), "access_denied")
    assert minted(world) == 0


@spec("DTR", "narrowing")
def test_what_is_added_while_it_waits_is_not_there(world, waiting):
    waiting.approve()
    answer = waiting.poll(scope="events:write contacts:read", resource=world.notes.identifier, grant_type_="x")
    assert answer.json()["scope"] == "events:write"
    assert claims(answer.json()["access_token"])["aud"] == world.calendar.identifier


@spec("DTR", "narrowing")
def test_it_is_judged_by_what_is_allowed_when_it_is_answered(world, worker, waiting):
    waiting.approve()
    world.rewrite(worker.client.agent, status="suspended")
    assert_refused(waiting.poll(), "invalid_grant")
    world.rewrite(worker.client.agent, status="active", ceiling={world.calendar.identifier: ["events:read"]})
    assert_refused(waiting.poll(), "access_denied")
    world.rewrite(worker.client.agent, ceiling=None)
    assert waiting.poll().status_code == 200


@spec("DTR", "narrowing")
def test_what_an_admin_ended_after_the_decision_stays_ended(world, worker, waiting):
    waiting.approve()
    first = waiting.poll()
    second = deferral.more(world, worker, "contacts:read")
    second.approve()
    with context.use(world.tenant):
        token_actions.end_delegation(world.delegations()[0], by=SYSTEM, reason="enough")
    assert not world.is_active(first.json()["access_token"])
    assert_refused(second.poll(), "access_denied")


# --- taking it back


@spec("RFC 7009", "2.1")
def test_its_client_takes_it_back_and_the_question_is_closed(world, waiting):
    assert world.revoke(waiting.who, waiting.code).status_code == 200
    assert_refused(waiting.poll(), "invalid_grant")
    assert waiting.question().status == "lapsed"
    events = [each.event for each in world.entries()]
    assert events.count("token.deferral_cancelled") == events.count("approval.withdrawn") == 1
    with leaves_only(world):
        assert world.revoke(waiting.who, waiting.code).status_code == 200
    again = deferral.more(world, waiting.who, "contacts:read")
    assert again.question().pk == waiting.question().pk
    assert again.question().asked == {world.calendar.identifier: ["contacts:read"]}
    again.approve()
    assert again.poll().json()["scope"] == "contacts:read"
    assert_refused(waiting.poll(), "invalid_grant")


@spec("RFC 7009", "2.1")
def test_another_client_takes_nothing_back(world, waiting):
    other = world.worker()
    with leaves_only(world):
        assert world.revoke(other, waiting.code).status_code == 200
    waiting.approve()
    assert waiting.poll().status_code == 200


@spec("RFC 7009", "2.1")
def test_a_question_that_another_request_waits_for_stays_open(world, worker, waiting):
    other = deferral.more(world, worker)
    world.revoke(worker, waiting.code)
    assert other.question().status == "waiting"
    other.approve()
    assert other.poll().status_code == 200
    assert_refused(waiting.poll(), "invalid_grant")


# --- an agent that nobody approved


def paused_by_a_question(world: World, who: Credentials) -> None:
    """Have an agent wait for an admin, as it does where it changed."""
    world.rewrite(who.client.agent, status="pending")
    world.rewrite(who.client, version=who.client.version + 7)


@spec("DTR", "deferral response")
def test_an_agent_that_changed_waits_with_its_refresh_token_and_goes_on_once_it_is_approved(world):
    scout = world.secret_client("Scout")
    held = world.grant(scout)["refresh_token"]
    paused_by_a_question(world, scout)
    assert_refused(
        world.token(scout, {"grant_type": "refresh_token", "refresh_token": "rtf_x.0.y", **WAITS}), "invalid_grant"
    )
    plain = world.refresh(scout, held)
    assert (plain.json()["error"], plain.json()["error_uri"]) == ("invalid_grant", world.url("/who-decides"))
    waiting = told(world, scout, world.refresh(scout, held, **WAITS))
    assert waiting.question().kind == "admission"
    assert_refused(waiting.poll(), "authorization_pending")
    waiting.approve()
    body = waiting.poll().json()
    assert body["scope"] == "events:read"
    assert world.refresh(scout, body["refresh_token"]).status_code == 200
    assert_refused(waiting.poll(), "invalid_grant")


@spec("DTR", "deferral response")
def test_a_code_that_was_in_time_when_it_began_to_wait_is_good_when_it_is_answered(world):
    scout = world.secret_client("Scout")
    code, verifier = world.code(scout)
    paused_by_a_question(world, scout)
    refused = world.redeem(scout, code, pkce()[0], **WAITS)
    assert_refused(refused, "invalid_grant")
    waiting = told(world, scout, world.redeem(scout, code, verifier, **WAITS))
    waiting.approve()
    world.rewrite(world.stored_code(code), expires=waiting.row().created + timedelta(seconds=1))
    assert waiting.poll().status_code == 200
    assert_refused(world.redeem(scout, code, verifier), "invalid_grant")


@spec("DTR", "polling")
def test_a_denied_agent_is_denied_its_request(world):
    scout = world.secret_client("Scout")
    held = world.grant(scout)["refresh_token"]
    paused_by_a_question(world, scout)
    waiting = told(world, scout, world.refresh(scout, held, **WAITS))
    waiting.deny()
    assert_refused(waiting.poll(), "access_denied")
    assert agent(world, scout).status == "denied"


@spec("DTR", "polling")
def test_a_refresh_token_that_moved_on_meanwhile_costs_its_family_nothing(world):
    scout = world.secret_client("Scout")
    held = world.grant(scout)["refresh_token"]
    paused_by_a_question(world, scout)
    first, second = (told(world, scout, world.refresh(scout, held, **WAITS)) for _ in range(2))
    first.approve()
    newer = first.poll().json()["refresh_token"]
    newest = world.refresh(scout, newer).json()["refresh_token"]
    assert_refused(second.poll(), "invalid_grant")
    assert world.refresh(scout, newest).status_code == 200


@spec("WAG", "7")
def test_an_agent_that_a_platform_names_first_waits_and_proves_itself_anew_each_time(world):
    platform = brings(world, named(PLATFORM))
    answer = platform.present(**WAITS)
    waiting = told(world, None, answer)  # type: ignore[arg-type]  # No client stands beside it.
    poll = lambda word: _present(world, waiting, word)  # noqa: E731
    assert_refused(poll(platform.word()), "authorization_pending")
    waiting.approve(["events:read"])
    waiting.rest()
    assert_refused(poll(platform.word(sub="another-agent")), "invalid_grant")
    assert_refused(poll(None), "invalid_client", 401)
    got = poll(platform.word())
    assert (got.status_code, got.json()["scope"]) == (200, "events:read")
    assert claims(got.json()["access_token"])["sub"] == waiting.row().agent_id
    assert_refused(poll(platform.word()), "invalid_grant")


def _present(world: World, waiting: Waiting, word: str | None):
    form = {"grant_type": "urn:ietf:params:oauth:grant-type:deferred", "deferral_code": waiting.code, "assertion": word}
    return platforms.post(world, {**form, "client_id": "x" if word is None else None})
