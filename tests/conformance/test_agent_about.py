"""What an agent's page says about it: who registered it, what it last said differently, its tokens of a day, and where
its parts are changed.
"""

import pytest

from agents import clients, owners
from agents.models import Client
from audit.principals import Kind, Principal
from kit import context
from tests.spec import spec


@pytest.fixture
def made(world):
    """An agent that ada made, with a client."""
    ada = world.people["ada"]
    by = Principal(Kind.USER, ada.pk, ada.name)
    with context.use(world.tenant):
        agent = owners.create_agent("Clerk", by=by, owner=world.people["bob"])
        client, _ = clients.add_client(agent, {"grant_types": ["client_credentials"]}, by=by)
    return client, by


def page_of(world, client, person="ada"):
    browser = world.browser(person)
    browser.go(world.url(f"/console/agents/{client.agent_id}"))
    return browser


@spec("RFC 7591", "2")
def test_it_says_who_registered_it_and_what_was_changed_last(world, made):
    client, by = made
    words = page_of(world, client).words()
    assert "Registered By an admin (Ada)," in words
    assert "Last change" not in words
    with context.use(world.tenant):
        clients.change_client(Client.objects.get(pk=client.pk), {"client_name": "Bookkeeper"}, by=by)
    browser = page_of(world, client)
    assert "Last change Ada," in browser.words()
    assert "name: before: Clerk now: Bookkeeper" in browser.words()
    assert "<script>" not in browser.page.text[browser.page.text.index("Last change") :].split("</section>")[0]


def test_what_registered_itself_is_named(world):
    client = world.public_client("Scout").client
    assert "Registered By itself (Scout)," in page_of(world, client).words()


def test_the_tile_counts_the_tokens_of_a_day(world):
    scout = world.public_client("Scout")
    assert "Tokens, 24 hours 0 never used" in page_of(world, scout.client).words()
    granted = world.grant(scout)
    world.refresh(scout, granted["refresh_token"])
    assert "Tokens, 24 hours 2 last used just now" in page_of(world, scout.client).words()


def test_its_head_leads_to_where_it_is_edited_and_its_keys_are_turned(world, made):
    client, _ = made
    own = f'href="/t/{world.tenant.slug}/console/agents/{client.agent_id}'
    text = page_of(world, client).page.text
    head = text[: text.index('<nav class="tabs"')]
    assert (f'{own}/owners"' in head, f'{own}/credentials"' in head) == (True, True)
    text = page_of(world, client, "bob").page.text
    head = text[: text.index('<nav class="tabs"')]
    assert (f'{own}/owners"' in head, f'{own}/credentials"' in head) == (False, True)
    world.rewrite(world.people["ada"], role="auditor")
    text = page_of(world, client).page.text
    head = text[: text.index('<nav class="tabs"')]
    assert (f'{own}/owners"' in head, f'{own}/credentials"' in head) == (False, False)
