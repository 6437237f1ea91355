"""Forms name people by their address: few are offered while somebody types, and whoever is nobody is said."""

import re

from kit import context
from tests.harness.footprint import leaves_only
from tests.spec import spec


def offered(world, who, typed, name="owner"):
    answer = world.browser(who).go(f"{world.url('/console/people')}?{name}={typed}")
    return answer, re.findall(r'<option value="([^"]*)">', answer.text)


@spec("RFC 9700", "2.3")
def test_a_few_people_are_offered_by_what_their_name_or_address_begins_with(world):
    alice, bob = (world.people[each] for each in ("alice", "bob"))
    assert offered(world, "ada", alice.email[:3])[1] == [alice.email]
    assert offered(world, "ada", alice.user.name.upper())[1] == [alice.email]
    assert offered(world, "ada", f"{alice.email}, {bob.email[:2]}", name="people")[1] == [bob.email]
    for nothing in ("", "%00", "nobody-like-this", f"{alice.email},"):
        assert offered(world, "ada", nothing)[1] == []


@spec("RFC 9700", "2.3")
def test_whom_it_offers_learns_only_who_decides_and_only_of_their_own_tenant(world, elsewhere):
    alice = world.people["alice"]
    assert offered(world, "alice", alice.email[:3])[0].status_code == 403
    assert offered(elsewhere, "ada", alice.email)[1] == []
    world.rewrite(alice, status="suspended")
    assert offered(world, "ada", alice.email[:3])[1] == []


@spec("RFC 9700", "2.3")
def test_whoever_answers_for_an_agent_is_named_by_address_and_nobody_is_dropped_in_silence(world):
    client = world.secret_client("Clerk")
    agent, alice, bob = client.client.agent, world.people["alice"], world.people["bob"]
    ada = world.browser("ada")
    page = world.url(f"/console/agents/{agent.pk}/owners")
    said = {"owner": alice.email, "co_owners": f"{bob.email}, {world.email('ada')}", "sponsor": "", "successor": bob.pk}
    for name, wrong, words in (
        ("owner", "nobody@nowhere.example", "Nobody here has this address: nobody@nowhere.example."),
        ("co_owners", f"{bob.email}, nobody@nowhere.example", "Nobody here has this address: nobody@nowhere.example."),
        ("sponsor", f"{bob.email},{alice.email}", "Name one person."),
    ):
        ada.go(page)
        with leaves_only(world):
            refused = ada.submit(ada.form("/owners"), {**said, name: wrong})
        assert refused.status_code == 422
        assert words in ada.words()
        assert f'value="{wrong}"' in refused.text, "what was typed is lost"
    ada.go(page)
    assert ada.submit(ada.form("/owners"), said).status_code == 200
    with context.use(world.tenant):
        agent.refresh_from_db()
        further = set(agent.co_owners.values_list("member_id", flat=True))
    assert (agent.owner_id, agent.sponsor_id, agent.successor_id) == (alice.pk, None, bob.pk)
    assert further == {bob.pk, world.people["ada"].pk}
