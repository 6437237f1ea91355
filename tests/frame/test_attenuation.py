"""What may be handed on: never wider than parent, token, ceiling and edge, never longer, never in a circle."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agents.models import Agent, Client
from delegations.errors import DelegationError, DelegationOver, DelegationWidened, NotHandedOn, NoWayThere
from delegations.models import Delegation
from delegations.rules import Handing, attenuate, may_receive
from tenants.models import Downstream, ResourceServer, Tenant
from tests.spec import spec

NOON = datetime(2026, 11, 24, 12, tzinfo=UTC)
HERE, THERE = "https://here.example", "https://there.example"
words = st.frozensets(st.sampled_from(["a:read", "a:write", "b:read", "b:write"]))
moments = st.none() | st.integers(-3, 3).map(lambda hours: NOON + timedelta(hours=hours))


def tenant(**policy):
    return Tenant(pk="ten_1", slug="t", **{"handing_on": "consent", "deepest_chain": 4, **policy})


def delegation(agent, *above, **fields):
    made = Delegation(
        tenant_id="ten_1", agent_id=agent, subject="usr_1", audience=HERE, depth=len(above),
        **{"scopes": ["a:read", "a:write"], "helpers": ["agt_b"], "origin": "consent", **fields},
    )  # fmt: skip
    made.line = (made, *above)
    return made


def client(agent="agt_b", ceiling=None):
    return Client(tenant_id="ten_1", agent=Agent(pk=agent, tenant_id="ten_1", ceiling=ceiling))


def at(identifier):
    return ResourceServer(tenant_id="ten_1", identifier=identifier)


def handing(parent, **changes):
    usual = {
        "parent": parent, "to": client(), "server": at(HERE), "asked": frozenset(),
        "held": frozenset(parent.scopes), "edge": None, "is_named": True, "is_called": False,
        "kept_here": frozenset(), "kept_there": frozenset(),
    }  # fmt: skip
    return Handing(**{**usual, **changes})


@spec("RFC 8693", "2.1")
@given(held=words, shown=words, asked=words, ceiling=st.none() | words, ends=st.tuples(moments, moments))
def test_a_part_is_never_wider_or_longer_than_what_it_is_part_of(held, shown, asked, ceiling, ends):
    root = delegation("agt_r", scopes=sorted(held), expires_at=ends[0], helpers=["agt_a", "agt_b"])
    parent = delegation("agt_a", root, scopes=sorted(held), expires_at=ends[1])
    to = client(ceiling=None if ceiling is None else {HERE: sorted(ceiling)})
    allowed = held & shown & (held if ceiling is None else ceiling)
    try:
        part = attenuate(handing(parent, to=to, held=shown, asked=asked), tenant(), now=NOON)
    except DelegationOver:
        assert any(end is not None and end <= NOON for end in ends)
    except DelegationWidened:
        assert asked - allowed or not allowed
    else:
        assert part.scopes == (asked or allowed)
        assert part.scopes <= allowed
        assert part.expires_at == min((end for end in ends if end is not None), default=None)
        assert all(end is None or end > NOON for end in ends)


@given(held=words, asked=words, opened=st.dictionaries(st.sampled_from(["a:read", "a:write"]), words.map(sorted)))
def test_along_an_edge_a_part_is_what_the_parents_scopes_stand_for(held, asked, opened):
    parent = delegation("agt_a", scopes=sorted(held))
    there = at(THERE)
    along = handing(parent, server=there, asked=asked, edge=Downstream(tenant_id="ten_1", scopes=opened))
    allowed = frozenset(each for scope in held for each in opened.get(scope, ()))
    try:
        part = attenuate(along, tenant(), now=NOON)
    except DelegationWidened:
        assert asked - allowed or not allowed
    else:
        assert part.scopes == (asked or allowed) <= allowed


@pytest.mark.parametrize(
    ("change", "policy", "refusal"),
    [
        ({}, {}, None),
        ({"is_named": False}, {}, NotHandedOn),
        ({}, {"handing_on": "off"}, NotHandedOn),
        ({"is_named": False}, {"handing_on": "policy"}, NotHandedOn),
        ({"server": at(THERE)}, {}, NoWayThere),
        ({"to": client("agt_a")}, {}, NotHandedOn),
        ({"to": client("usr_1")}, {}, NotHandedOn),
        ({"to": Client(tenant_id="ten_1")}, {}, NotHandedOn),
        ({}, {"deepest_chain": 0}, NotHandedOn),
        ({"to": client(ceiling={})}, {}, DelegationWidened),
        ({"asked": frozenset({"b:read"})}, {}, DelegationWidened),
        ({"held": frozenset()}, {}, DelegationWidened),
    ],
)
def test_each_refusal_is_one_change_away_from_a_part(change, policy, refusal):
    asked = handing(delegation("agt_a"), **change)
    if refusal is None:
        assert attenuate(asked, tenant(**policy), now=NOON).scopes == {"a:read", "a:write"}
        return
    with pytest.raises(refusal):
        attenuate(asked, tenant(**policy), now=NOON)


@pytest.mark.parametrize(
    ("origin", "helpers", "mode", "is_allowed"),
    [
        ("consent", ["agt_b"], "consent", True),
        ("consent", [], "consent", False),
        ("consent", [], "policy", True),
        ("admin", [], "consent", True),
        ("admin", ["agt_b"], "off", False),
    ],
)
def test_the_consent_or_the_policy_must_name_it(origin, helpers, mode, is_allowed):
    parent = delegation("agt_a", origin=origin, helpers=helpers)
    received = may_receive(parent, tenant(handing_on=mode), frozenset({"agt_b"}))
    assert received == (frozenset({"agt_b"}) if is_allowed else frozenset())
    try:
        attenuate(handing(parent), tenant(handing_on=mode), now=NOON)
    except DelegationError:
        assert not is_allowed
    else:
        assert is_allowed


@spec("RFC 8693", "4.1")
@given(length=st.integers(1, 8), deepest=st.integers(0, 8), again=st.integers(0, 8))
def test_no_chain_is_deeper_than_the_tenant_allows_or_meets_itself(length, deepest, again):
    agents = [f"agt_{number}" for number in range(length)]
    line = []
    for agent in agents:
        line.insert(0, delegation(agent, *line, helpers=[*agents, "agt_new"]))
    to = client(agents[again]) if again < length else client("agt_new")
    try:
        attenuate(handing(line[0], to=to), tenant(deepest_chain=deepest), now=NOON)
    except NotHandedOn:
        assert again < length or length - 1 >= deepest
    else:
        assert again >= length
        assert length - 1 < deepest
