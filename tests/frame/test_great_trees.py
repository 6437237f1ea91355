"""Eight thousand parts below one delegation, handed on eight times: ending and asking cost what they cost below one.

Times are printed and not judged: `pytest -s` shows them.
"""

import time
from collections import Counter
from datetime import timedelta

import pytest
from django.db.models import Model
from django.utils import timezone

from audit.principals import SYSTEM
from delegations.models import Ancestry, Delegation
from kit import context, opaque
from tenants import actions as tenant_actions
from tests.harness import chain, database, inside
from tests.spec import spec
from tokens import actions, status
from tokens.models import AccessToken

MANY, FAN, DEEP, FEW = 8000, 3, 8, 40
SECRET = opaque.make()
LIFE = timedelta(minutes=5)
ASKED_FOR_AN_END = 9
"""Statements that read, whatever hangs below: the row, its sentence, and the receipt's questions."""


@pytest.fixture
def world(world):
    """A tenant that lets authority be handed on eight times."""
    world.tenant = tenant_actions.change_policy(world.tenant, by=SYSTEM, deepest_chain=DEEP)
    return world


def grow(world, parts):
    """Make a consent's delegation with this many parts below, and one token of each; return all, the root first."""
    agents = [chain.asker(world), *(world.helper(f"Helper {number}") for number in range(DEEP))]
    chain.allow(world, agents[0])
    nodes, lines = [world.delegations()[-1]], [()]
    for number in range(1, parts + 1):
        place = (number - 1) // FAN
        lines.append((nodes[place], *lines[place]))
        nodes.append(part(world, nodes[place], agents, number))
    with context.use(world.tenant):
        Delegation.objects.bulk_create(nodes[1:], batch_size=1000)
        Ancestry.objects.bulk_create(steps(nodes, lines), batch_size=5000)
        AccessToken.objects.bulk_create(token(node) for node in nodes)
    database.count_rows()
    return nodes


def part(world, parent, agents, number):
    """Return a part that is not written yet. Brothers of one agent are at different places."""
    client = agents[parent.depth + 1].client
    suffix = f"/{number % FAN}" if number % FAN else ""
    return Delegation(
        tenant_id=world.tenant.pk, subject=parent.subject, member_id=parent.member_id, agent=client.agent,
        client=client, audience=f"{world.calendar.identifier}{suffix}", scopes=parent.scopes,
        expires_at=parent.expires_at, origin="handed_on", parent=parent, depth=parent.depth + 1,
    )  # fmt: skip


def steps(nodes, lines):
    for node, line in zip(nodes, lines, strict=True):
        for distance, above in enumerate(line, start=1):
            yield Ancestry(tenant_id=node.tenant_id, delegation=node, ancestor=above, distance=distance)


def token(node):
    now = timezone.now()
    return AccessToken(
        tenant_id=node.tenant_id, id=token_id(node), subject=node.subject, actor=node.agent_id, client=node.client,
        audience=node.audience, delegation=node, scope="events:read", grant_type="made by a test", created=now,
        expires=now + LIFE, digest=opaque.digest(SECRET),
    )  # fmt: skip


def token_id(node):
    return f"tok{node.pk[3:]}"


def written(node):
    """Return the token as its holder has it: an opaque one."""
    return f"{token_id(node)}.{SECRET}"


def sample(world, nodes):
    """Return delegations at the calendar, of every depth."""
    there = [node for node in nodes if node.audience == world.calendar.identifier]
    deepest = [node for node in there if node.depth == DEEP]
    return [*(next(node for node in there if node.depth == depth) for depth in range(DEEP)), *deepest[-20:]]


def timed(what, act):
    started = time.perf_counter()
    result = act()
    print(f"{what}: {(time.perf_counter() - started) * 1000:.1f} ms")
    return result


@pytest.fixture
def made(monkeypatch):
    """Count the rows that become model instances."""
    counted = Counter()
    from_db = Model.from_db.__func__

    def counting(cls, *args):
        counted[cls.__name__] += 1
        return from_db(cls, *args)

    monkeypatch.setattr(Model, "from_db", classmethod(counting))
    return counted


def end(root):
    """End it, and return the receipt and the statements by their first word."""
    with inside.counted() as sent:
        receipt = timed("ending the root", lambda: actions.end_delegation(root, by=SYSTEM, reason="enough"))
    return receipt, Counter(statement.split()[0] for statement in sent)


@spec("RFC 7009", "2.1")
def test_ending_the_root_of_eight_thousand_is_one_update_and_one_entry_and_none_is_active_afterwards(world, made):
    nodes = grow(world, MANY)
    assert max(node.depth for node in nodes) == DEEP
    watched = sample(world, nodes)
    assert all(world.is_active(written(node)) for node in watched)
    made.clear()
    with context.use(world.tenant):
        receipt, sent = end(nodes[0])
        assert sent == {"UPDATE": 1, "INSERT": 1, "SELECT": sent["SELECT"]}
        assert sent["SELECT"] <= ASKED_FOR_AN_END
        # The directory of resource servers, with all their scopes, is as large as the tenant is, whatever hangs below.
        assert made.total() - made["Scope"] - made["ResourceServer"] < FEW, made
        assert (receipt.delegations, sum(each.tokens for each in receipt.remainders)) == (MANY + 1, MANY + 2)
        now = timezone.now()
        alive = timed(
            "asking for each token", lambda: [status.live_access_token(token_id(each), now=now) for each in nodes]
        )
        assert not any(alive)
        assert not Delegation.objects.live(now).exists()
    assert not any(world.is_active(written(node)) for node in watched)
    assert len(world.entries("delegation.ended")) == 1


@spec("RFC 7662", "2.2")
def test_whether_a_delegation_at_depth_eight_is_alive_is_asked_in_two_statements_at_most(world):
    nodes = grow(world, MANY)
    reader, deepest = world.introspector(), sample(world, nodes)[-1]
    form = {"token": written(deepest)}
    inside.post(world, "/introspect", form, reader)
    with inside.counted() as sent:
        answer = timed("asking at depth 8", lambda: inside.post(world, "/introspect", form, reader))
    assert answer.json()["active"]
    assert actors(answer.json()["act"]) == DEEP + 1
    assert len(sent) <= 2, sent
    middle = next(node for node in nodes if node.depth == 4 and node in line(nodes, deepest))
    with context.use(world.tenant):
        receipt, _ = end(middle)
    below = [node for node in nodes if middle in line(nodes, node)]
    assert receipt.delegations == len(below)
    assert inside.post(world, "/introspect", form, reader).json() == {"active": False}


def actors(act):
    return 1 + actors(act["act"]) if "act" in act else 1


def line(nodes, node):
    """Return a node and all that it hangs on."""
    return [node, *(line(nodes, node.parent) if node.parent else [])]
