"""What became of an issuer's assertions of late: counted from the ledger, the same on the pages and over the API."""

from datetime import timedelta

import pytest
from django.db import connection, transaction
from django.utils import timezone

from kit import context
from tests.conformance.test_resources_api import asker
from tests.harness import domains, platforms
from tests.harness.domains import Foreign
from tests.harness.platforms import PLATFORM, named
from tests.spec import spec
from trust import actions, heard
from trust.heard import Heard

NOW = timedelta(minutes=1)


@pytest.fixture
def foreign(world):
    """An issuer whose assertions an agent here presents."""
    world.who, found = domains.presenter(world), Foreign()
    found.trusted = domains.trust_foreign(world, found)
    return found


def present(world, foreign, **claims):
    return domains.present(world, world.who, foreign.grant(world, world.who, **claims)).status_code


def lately(world, *, ahead=NOW, **words):
    with context.use(world.tenant):
        return heard.lately(timezone.now() + ahead, **words)


@spec("ID-JAG", "9.3")
def test_what_was_taken_and_what_was_refused_is_counted_for_each_issuer(world, foreign):
    assert lately(world) == {}
    assert [present(world, foreign), present(world, foreign)] == [200, 200]
    assert present(world, foreign, aud="https://elsewhere.example") == 400
    assert lately(world) == {foreign.trusted.pk: Heard(taken=2, refused=1)}
    said = asker(world, "ada", "trust:read")("GET", f"/trust/issuers/{foreign.trusted.pk}").json()["assertions"]
    assert said == {"taken": 2, "refused": 1, "is_all": True}
    ada = world.browser("ada")
    for place in ("", f"/issuers/{foreign.trusted.pk}"):
        ada.go(world.url(f"/console/trust{place}"))
        assert "2 taken 1 refused" in ada.words(), place


def test_what_an_issuer_that_is_off_still_says_is_refused_and_counted(world, foreign):
    assert present(world, foreign) == 200
    with context.use(world.tenant):
        actions.change_issuer(foreign.trusted, by=domains.SYSTEM, is_enabled=False)
    assert present(world, foreign) == 400
    assert lately(world) == {foreign.trusted.pk: Heard(taken=1, refused=1)}


@spec("WAG", "5")
def test_a_platform_s_assertions_are_counted_too(world):
    runs = platforms.brings(world, named(PLATFORM))
    runs.admit()
    assert lately(world)[runs.trusted.pk] == Heard(taken=0, refused=1), "an agent that was never seen waits"
    assert runs.present().status_code == 200
    assert lately(world)[runs.trusted.pk] == Heard(taken=1, refused=1)


def test_what_nobody_registered_says_and_what_is_bought_without_an_assertion_counts_for_nobody(world, foreign):
    stranger = Foreign("https://stranger.example")
    assert domains.present(world, world.who, stranger.grant(world, world.who)).status_code == 400
    for hostile in ("a.b.c", stranger.sign({"iss": "\x00"}, typ=domains.ID_JAG_TYP), stranger.sign({"iss": [1]})):
        assert domains.present(world, world.who, hostile).status_code == 400
    assert world.token(world.who, {"grant_type": "client_credentials"}).status_code == 400
    assert lately(world) == {}
    assert present(world, foreign) == 200
    assert list(lately(world)) == [foreign.trusted.pk]


def test_what_is_older_than_a_day_is_not_counted_any_more(world, foreign):
    assert present(world, foreign) == 200
    assert lately(world, ahead=heard.SPAN - NOW)[foreign.trusted.pk].taken == 1
    assert lately(world, ahead=heard.SPAN + NOW) == {}


def test_of_more_than_are_counted_it_is_said_that_there_are_more(world, foreign):
    assert [present(world, foreign), present(world, foreign)] == [200, 200]
    assert lately(world, most=2)[foreign.trusted.pk] == Heard(2, 0)
    assert present(world, foreign, aud="https://elsewhere.example") == 400
    assert lately(world, most=2)[foreign.trusted.pk] == Heard(1, 1, is_all=False)


def test_of_a_tenant_nobody_else_counts_anything(world, elsewhere, foreign):
    assert present(world, foreign) == 200
    assert lately(elsewhere) == {}


@pytest.mark.postgresql
def test_they_are_found_by_an_index_of_their_own_however_long_the_ledger_is(world, foreign):
    assert present(world, foreign) == 200
    with context.use(world.tenant), transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("SET LOCAL enable_seqscan = off; SET LOCAL enable_bitmapscan = off")
        plan = heard.entries(timezone.now()).order_by("-pk")[: heard.MOST].explain()
    assert "entry_of_issuer" in plan, plan
