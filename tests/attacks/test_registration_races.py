"""A registration that ends while its client goes on: one end, no token after it, and nobody waits for ever."""

import pytest

from kit import context
from tests.harness import rush
from tests.harness.registering import Managed
from tests.harness.rush import MANY, answers, minted, start_together
from tests.spec import spec


@pytest.fixture
def crowd(world):
    with rush.callers(world) as pool:
        yield pool


@spec("RFC 7592", "2.3")
def test_no_refresh_in_flight_outlives_the_end_of_a_registration(world, crowd):
    for _ in range(3):
        scout = Managed.register(world)
        who, token = scout.credentials, world.grant(scout.credentials)["refresh_token"]
        pending = start_together(crowd, lambda held=token, named=who: world.refresh(named, held))
        pending[0].result(timeout=60)
        assert scout.ask("DELETE").status_code == 204
        count = minted(world)
        found = answers(pending)
        assert {answer.status_code for answer in found} <= {200, 400, 401}
        assert minted(world) == count
        assert not any(world.is_active(each) for each in rush.tokens(found)[-5:])
        assert world.refresh(who, token).status_code == 401


@spec("RFC 7592", "2.3")
def test_of_fifty_ends_of_one_registration_one_counts(world, crowd):
    scout = Managed.register(world)
    world.grant(scout.credentials)
    found = [answer.status_code for answer in answers(start_together(crowd, lambda: scout.ask("DELETE")))]
    assert (found.count(204), found.count(401)) == (1, MANY - 1)
    assert len(world.entries("client.unregistered")) == 1


@spec("RFC 7592", "2.2")
def test_what_is_replaced_while_it_ends_does_not_come_back(world, crowd):
    scout = Managed.register(world)
    turns = iter(range(MANY))

    def either():
        number = next(turns)
        return scout.ask("DELETE") if number == MANY // 2 else scout.put(client_name=f"Scout {number}")

    codes = [answer.status_code for answer in answers(start_together(crowd, either))]
    assert set(codes) <= {200, 204, 401}
    assert codes.count(204) == 1
    with context.use(world.tenant):
        assert (scout.row.status, scout.row.registration_digest) == ("disabled", "")
