"""What a large tenant's ledger and queue hold: an entry for each consent, token and refusal, and agents that wait."""

from collections.abc import Iterable, Iterator
from datetime import datetime, timedelta
from typing import Any

from agents import actions as agent_actions
from agents.registration.metadata import ClientMetadata
from audit import ledger
from audit.events import Event
from audit.models import Entry
from audit.principals import Kind, Principal
from delegations.models import Delegation
from kit import identifiers
from kit.oauth import AuthMethod, GrantType
from tenants.models import Membership
from tokens.models import AccessToken

ONE_REFUSED = 50
"""Of so many tokens one is followed by a refusal."""
REFUSED = {"error": "invalid_scope"}


def entries(
    delegations: Iterable[Delegation], tokens: Iterable[AccessToken], people: Iterable[Membership]
) -> list[Entry]:
    """Return what the product would have written of these, in the order of time."""
    whose = {person.pk: Principal(Kind.USER, person.user.pk, person.user.name) for person in people}
    made = [
        *(_allowed(each, by=whose[each.subject]) for each in delegations),
        *(line for place, each in enumerate(tokens) for line in _used(each, place)),
    ]
    made.sort(key=lambda fields: fields["at"])
    return [Entry(**fields | {"id": _identifier(fields["at"], place)}) for place, fields in enumerate(made)]


def waiting(number: int, slug: str) -> None:
    """Let so many agents arrive by themselves, in the tenant that is open; each is a question to those who approve."""
    for place in range(number):
        agent_actions.register_dynamically(
            ClientMetadata(
                f"Arrival {place:02}",
                (f"https://arrival-{place:02}.{slug}.example/callback",),
                (GrantType.AUTHORIZATION_CODE, GrantType.REFRESH_TOKEN),
                AuthMethod.SECRET_BASIC,
            )
        )


def _allowed(delegation: Delegation, *, by: Principal) -> dict[str, Any]:
    return _line(
        Event.DELEGATION_ALLOWED,
        by,
        delegation,
        at=delegation.created_at,
        about=ledger.About("delegation", delegation.pk, str(delegation)),
        detail={"scopes": list(delegation.scopes)},
    )


def _used(token: AccessToken, place: int) -> Iterator[dict[str, Any]]:
    delegation = token.delegation
    agent = Principal(Kind.AGENT, delegation.agent_id or "", delegation.agent.name if delegation.agent else "")
    about = ledger.About("accesstoken", token.pk, f"access token for {token.audience}")
    detail = {"grant": token.grant_type, "audience": token.audience, "scope": token.scope, "delegation": delegation.pk}
    yield _line(Event.TOKEN_ISSUED, agent, delegation, at=token.created, about=about, detail=detail)
    if place % ONE_REFUSED == 0:
        later, nothing = token.created + timedelta(minutes=1), ledger.About("", "", "")
        refused = _line(Event.TOKEN_REFUSED, agent, delegation, at=later, about=nothing, detail=REFUSED)
        yield {**refused, "reason": "scope was not allowed"}


def _line(
    event: Event, by: Principal, delegation: Delegation, *, at: datetime, about: ledger.About, detail: dict[str, Any]
) -> dict[str, Any]:
    whose = {"on_behalf_of": delegation.subject, "through": delegation.agent_id or ""}
    return {**ledger.fields(event, by=by, about=about, detail=detail, **whose), "at": at}


def _identifier(at: datetime, place: int) -> str:
    """Return an id as of the entry's moment: lists go by ids, and those of one moment keep their order."""
    return f"{identifiers.at('evt', at)[:-6]}{place:06}"
