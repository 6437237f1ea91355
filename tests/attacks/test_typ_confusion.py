"""Every kind of token in every place where one is read: good where it belongs, and nowhere else (RFC 8725 §3.11)."""

from collections.abc import Iterator

import httpx
import pytest

from audit.events import Event
from tests.harness import kinds
from tests.harness.footprint import events, leaves_only, rows
from tests.harness.kinds import PLACES, Stage
from tests.harness.world import make
from tests.spec import spec

pytestmark = pytest.mark.once  # What is judged here is judged before any database is asked, or by its page alone.

# A plus: it is good there. A dot: it is refused as the place refuses whatever it does not know.
TABLE = """
                              subject: subject: actor: actor: client          user     intro-   revo-
                              access   ID       access JWT    assertion grant info API spection cation refresh code
calendar token                +        .        .      .      .         .     .    .   +        +      .       .
sign-in token                 +        .        .      .      .         .     +    .   +        +      .       .
API token                     +        .        .      .      .         .     .    +   +        +      .       .
own token                     +        .        +      .      .         .     .    .   +        +      .       .
opaque token                  +        .        .      .      .         .     .    .   +        +      .       .
ID token                      .        +        .      .      .         .     .    .   .        .      .       .
refresh token                 .        .        .      .      .         .     .    .   +        +      +       .
code                          .        .        .      .      .         .     .    .   .        .      .       +
client assertion              .        .        .      .      +         .     .    .   .        .      .       .
ID-JAG                        .        .        .      .      .         +     .    .   .        .      .       .
actor JWT                     .        .        .      +      .         .     .    .   .        .      .       .
typ at+jwt                    +        .        +      .      .         .     +    +   +        +      .       .
typ JWT                       .        +        .      +      +         .     .    .   .        .      .       .
typ client-authentication+jwt .        .        .      .      +         .     .    .   .        .      .       .
typ oauth-id-jag+jwt          .        .        .      .      .         +     .    .   .        .      .       .
typ dpop+jwt                  .        .        .      .      .         .     .    .   .        .      .       .
typ secevent+jwt              .        .        .      .      .         .     .    .   .        .      .       .
typ logout+jwt                .        .        .      .      .         .     .    .   .        .      .       .
typ txntoken+jwt              .        .        .      .      .         .     .    .   .        .      .       .
typ token-introspection+jwt   .        .        .      .      .         .     .    .   .        .      .       .
typ statuslist+jwt            .        .        .      .      .         .     .    .   .        .      .       .
"""
REFUSALS = {
    "subject: access token": (400, "invalid_request"),
    "subject: ID token": (400, "invalid_request"),
    "actor: access token": (400, "invalid_request"),
    "actor: JWT": (400, "invalid_request"),
    "client assertion": (401, "invalid_client"),
    "grant": (400, "invalid_grant"),
    "userinfo": (401, "invalid_token"),
    "API": (401, "A token for this API is needed"),
    "introspection": (200, False),
    "revocation": (200, None),
    "refresh": (400, "invalid_grant"),
    "code": (400, "invalid_grant"),
}
TELLS_NOBODY = {"client assertion", "userinfo", "API", "introspection", "revocation"}
"""Places whose refusals leave no entry: nobody is known there, or nothing was refused."""


def cells() -> list[tuple[str, str, bool]]:
    """Return kind, place, and whether it is good there, for each cell of the table."""
    found = []
    for line in TABLE.strip("\n").splitlines()[2:]:
        kind, *marks = line.rsplit(maxsplit=len(PLACES))
        found += [(kind.strip(), place, mark == "+") for place, mark in zip(PLACES, marks, strict=True)]
    return found


CELLS = cells()
REFUSED = [(kind, place) for kind, place, is_good in CELLS if not is_good]
GOOD = [(kind, place) for kind, place, is_good in CELLS if is_good]


@pytest.fixture(scope="module")
def stage(origin: str, http: httpx.Client) -> Iterator[Stage]:
    world = make(origin, http)
    yield kinds.make(world)
    world.close()


@pytest.fixture(scope="module")
def twin(origin: str, http: httpx.Client, stage: Stage) -> Iterator[Stage]:
    """The same agents in another tenant, down to their ids, secrets and keys."""
    world = make(origin, http)
    yield kinds.double(stage, world)
    world.close()


def token_for(stage: Stage, kind: str, place: str, *, fresh: bool = False) -> str:
    if kind.startswith("typ "):
        return kinds.retyped(stage, place, kind.removeprefix("typ "), fresh=fresh)
    if place == "client assertion":
        return stage.fresh(kind, who=stage.keyed)
    return stage.fresh(kind) if fresh else stage.kept(kind)


def said(answer: httpx.Response) -> tuple[int, object]:
    """Return status and the word that says what is wrong, or whether it is active."""
    body = answer.json() if answer.content else {}
    return answer.status_code, body.get("error", body.get("title", body.get("active")))


def test_the_table_is_whole():
    assert set(REFUSALS) == set(PLACES)
    assert {kind for kind, _, _ in CELLS if not kind.startswith("typ ")} == set(kinds.KINDS)
    assert len(CELLS) == len(TABLE.strip().splitlines()[2:]) * len(PLACES)
    assert {place for _, place in GOOD} == set(PLACES)
    assert len(REFUSED) > 180


@spec("RFC 8725", "3.11")
@pytest.mark.parametrize(("kind", "place"), GOOD)
def test_a_token_is_good_where_it_belongs(stage, kind, place):
    token = token_for(stage, kind, place, fresh=True)
    answer = PLACES[place](stage, token)
    assert answer.status_code == 200, answer.text
    if place == "introspection":
        assert answer.json()["active"]
    if place == "revocation":
        assert stage.world.introspect(stage.agent, token) == {"active": False}


@spec("RFC 8725", "3.11")
@pytest.mark.parametrize(("kind", "place"), REFUSED)
def test_a_token_is_refused_where_another_kind_belongs_and_stays_what_it_is(stage, kind, place):
    token = token_for(stage, kind, place)
    stage.kept("calendar token")
    with leaves_only(stage.world, *([] if place in TELLS_NOBODY else [Event.TOKEN_REFUSED])):
        answer = PLACES[place](stage, token)
    assert said(answer) == REFUSALS[place]
    assert token not in answer.text


def answered(stage: Stage, place: str, token: str) -> dict[str, object]:
    """Return all that somebody who presents a token can tell apart, and what was written down."""
    told = events(stage.world)
    answer = PLACES[place](stage, token)
    body = answer.json() if answer.content else {}
    body.pop("instance", None)
    seen = {name: answer.headers.get(name) for name in ("content-type", "www-authenticate", "cache-control")}
    return {"said": said(answer), "body": body, **seen, "told": events(stage.world)[len(told) :]}


@spec("RFC 8725", "3.9")
@pytest.mark.parametrize("place", PLACES)
def test_at_another_tenant_every_kind_is_answered_like_garbage_even_to_the_same_client(stage, twin, place):
    twin.kept("calendar token")
    tokens = {kind: token_for(stage, kind, place) for kind in dict.fromkeys(kind for kind, _, _ in CELLS)}
    before = rows(twin.world)
    with leaves_only(stage.world):
        garbage = answered(twin, place, "gar.ba.ge")
        found = {kind: answered(twin, place, token) for kind, token in tokens.items()}
    assert garbage["said"] == REFUSALS[place]
    assert {kind: answer for kind, answer in found.items() if answer != garbage} == {}
    assert rows(twin.world) == before


@spec("RFC 8725", "3.9")
@pytest.mark.parametrize("place", PLACES)
def test_the_same_client_is_served_at_that_tenant_with_what_it_got_there(twin, place):
    kind = next(kind for kind, where in GOOD if where == place)
    answer = PLACES[place](twin, token_for(twin, kind, place, fresh=True))
    assert answer.status_code == 200, answer.text
