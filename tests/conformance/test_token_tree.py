"""The tokens of a delegation as a tree, on its page and over the API; what bounds it; and where it was refused."""

import re

import pytest

from agents.models import Agent
from kit import context
from tests.conformance.test_api import api_token, call
from tests.conformance.test_resources_api import asker
from tests.harness import chain as chains
from tests.harness.inside import counted
from tests.harness.world import claims
from tests.spec import spec
from tokens import lineage

WIDE = "events:read events:write"


@pytest.fixture
def chain(world):
    return chains.handed_on(world, 2, scope=WIDE)


def jti(token):
    return claims(token)["jti"]


def lineage_of(world, delegation, person="ada"):
    answer = asker(world, person, "delegations:read delegations:oversee")(
        "GET", f"/delegations/{delegation.pk}/lineage"
    )
    assert answer.status_code == 200, answer.text
    return answer.json()


def page_of(world, delegation, browser=None):
    browser = browser or world.browser("ada")
    return browser, browser.go(world.url(f"/console/delegations/{delegation.pk}")).text


@spec("RFC 8693", "4.1")
def test_each_token_stands_below_the_one_that_it_was_exchanged_for_with_what_was_lost_there(world, chain):
    root = chain.delegation(0)
    less = world.exchange(chain.agents[1], chain.tokens[0], scope="events:read").json()["access_token"]
    found = lineage_of(world, root)
    told = {each["jti"]: each for each in found["tokens"]}
    assert told.keys() == {jti(each) for each in (*chain.tokens, less)}
    assert found["is_all"] is True
    assert [told[jti(each)]["exchanged_from"] for each in chain.tokens] == ["", *map(jti, chain.tokens[:-1])]
    assert (told[jti(less)]["lost"], told[jti(less)]["exchanged_from"]) == (["events:write"], jti(chain.tokens[0]))
    browser, text = page_of(world, root)
    tree = text[text.index('<ul class="tree">') :]
    levels = re.findall(r'<li class="level-(\d)">\s*<p><code title="(\w+)"', tree)
    assert levels == [
        ("1", jti(chain.tokens[0])),
        ("2", jti(chain.tokens[1])),
        ("3", jti(chain.tokens[2])),
        ("2", jti(less)),
    ]
    assert re.search(r"<del><span[^>]*>lost here: </span><code>events:write</code></del>", tree)
    assert f"exchanged from …{jti(chain.tokens[0])[-8:]}" in browser.words()
    assert not any(part in text for token in chain.tokens for part in token.split(".")[1:])


def test_an_agent_sees_the_tokens_of_its_own_part_alone(world, chain):
    root = chain.delegation(0)
    found = call(world, api_token(world, chain.agents[0]), f"/delegations/{root.pk}/lineage").json()
    assert {each["jti"] for each in found["tokens"]} == {jti(chain.tokens[0])}


def test_twenty_are_shown_and_the_rest_is_said(world, chain, monkeypatch):
    root = chain.delegation(0)
    monkeypatch.setattr(lineage, "SHOWN", 2)
    with context.use(world.tenant), counted() as statements:
        found = lineage.tokens_of(root, below=True, now=root.created_at)
    assert ([each["jti"] for each in found["tokens"]], found["is_all"]) == (
        [jti(each) for each in chain.tokens[1:]],
        False,
    )
    assert len(statements) == 1


def test_what_bounds_it_is_said_with_where_that_is_changed(world, chain):
    root = chain.delegation(0)
    browser, text = page_of(world, root)
    words = browser.words()
    for each in ("Its agent gets at most Whatever people allow it", "Nothing here lasts longer than 30 days"):
        assert each in words, words
    assert f"/console/agents/{root.agent_id}#approved" in text
    assert f'href="/t/{world.tenant.slug}/console/settings"' in text
    with context.use(world.tenant):
        ceiling = {world.calendar.identifier: ["events:read"]}
        Agent.objects.filter(pk=root.agent_id).update(ceiling=ceiling, people={"members": []}, longest_seconds=3600)
    page_of(world, root, browser)
    words = browser.words()
    for each in ("Those alone for whom it was approved", "At most for 1 hour"):
        assert each in words, words
    bounds = words[words.index("What bounds it") : words.index("Nothing here lasts longer")]
    assert "Whatever people allow it" not in bounds
    with context.use(world.tenant):
        Agent.objects.filter(pk=root.agent_id).update(ceiling={})
    page_of(world, root, browser)
    assert "Its agent gets at most Nothing here" in browser.words()


@spec("RFC 8707", "2")
def test_what_was_refused_of_late_is_drawn_dotted_said_in_the_table_and_told_by_the_api(world, chain):
    agent, helper = (each.client.agent_id for each in chain.agents[:2])
    ask, ada = asker(world, "ada", "agents:read"), world.browser("ada")
    assert ask("GET", f"/agents/{agent}/graph").json()["refused"] == []
    ada.go(world.url(f"/console/agents/{agent}"))
    assert 'class="edge refused"' not in ada.page.text
    elsewhere = {"resource": world.notes.identifier, "scope": "notes:read"}
    chains.assert_refuses(
        world, lambda: world.exchange(chain.agents[1], chain.tokens[0], **elsewhere), "invalid_target"
    )
    (refused,) = ask("GET", f"/agents/{agent}/graph").json()["refused"]
    assert (refused["agent"], refused["resource"], refused["times"]) == (helper, world.notes.identifier, 1)
    ada.go(world.url(f"/console/agents/{agent}"))
    assert ada.page.text.count('class="edge refused"') == 1
    words = ada.words()
    table = words[words.index("The same as a table") :]
    assert "refused Notes refused within 7 days" in table
    here = {"scope": "contacts:read", "resource": world.calendar.identifier}
    chains.assert_refuses(world, lambda: world.exchange(chain.agents[1], chain.tokens[0], **here), "invalid_scope")
    _, text = page_of(world, chain.delegation(1))
    assert text.count('class="edge refused"') == 1
    assert "refused within 7 days" in text


def test_what_is_no_resource_here_is_not_drawn(world, chain):
    form = {"resource": "https://evil.example/<script>", "scope": "events:read"}
    assert world.exchange(chain.agents[1], chain.tokens[0], **form).status_code == 400
    agent = chain.agents[1].client.agent_id
    assert asker(world, "ada", "agents:read")("GET", f"/agents/{agent}/graph").json()["refused"] == []
    assert 'class="edge refused"' not in world.browser("ada").go(world.url(f"/console/agents/{agent}")).text
