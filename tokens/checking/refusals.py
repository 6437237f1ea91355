"""What is kept of a refused token request: how far it came through the rooms, and what would have let it pass."""

from collections.abc import Mapping

from django.utils.translation import gettext_noop

from kit.forms import Form
from kit.oauth import (
    AccessDenied,
    ExpiredToken,
    InvalidClient,
    InvalidScope,
    InvalidTarget,
    OAuthError,
    Unadmitted,
    UnauthorizedClient,
    without_secrets,
)
from tokens.checking.steps import FAILED, MAX_SAID, NOT_REACHED, PASSED, Step

ROOMS = ("request", "client", "agent", "grant", "proof", "resource", "scopes", "mint")
"""The rooms of a token request, as somebody sees them who wonders where it ended."""

_REMEDIES: Mapping[str, str] = {
    "request": gettext_noop("Send each parameter once, as a form, with those that the grant needs."),
    "client": gettext_noop(
        "Authenticate in the way that the client is registered for, with a credential that is not over."
    ),
    "agent": gettext_noop("An approver decides about the agent, or whoever paused it lets it go on."),
    "grant": gettext_noop("Register the client for this grant, or have an admin give it the grant."),
    "proof": gettext_noop("Ask for access again: what was presented is used up, over, or somebody else's."),
    "resource": gettext_noop("Name one resource that is registered here and that the access is for."),
    "scopes": gettext_noop("Ask for no more than what was allowed at this resource, or have more allowed."),
    "mint": gettext_noop("Ask for access again: what it stands on ended at this moment."),
}
# A refusal may name its room more exactly than the place where it was raised.
_ROOM_OF: tuple[tuple[type[OAuthError], str], ...] = (
    (InvalidClient, "client"),
    (Unadmitted, "agent"),
    (InvalidTarget, "resource"),
    (InvalidScope, "scopes"),
    (UnauthorizedClient, "grant"),
    (AccessDenied, "proof"),
    (ExpiredToken, "proof"),
)
# What should stand in these is no secret: names of grants, resources, scopes and kinds of token.
_SHOWN: Mapping[str, tuple[str, ...]] = {
    "grant": ("grant_type",),
    "proof": ("subject_token_type", "requested_token_type"),
    "resource": ("resource", "audience"),
    "scopes": ("scope",),
}


def explain(refusal: OAuthError, *, room: str, client_id: str, form: Form) -> list[Step]:
    """Return the steps of a refused request: `room` is where it stood when it was refused."""
    failed = next((named for kind, named in _ROOM_OF if isinstance(refusal, kind)), room)
    place = ROOMS.index(failed)
    steps = []
    for number, name in enumerate(ROOMS):
        said = client_id[:MAX_SAID] if name == "client" else _said(name, form)
        if number < place:
            steps.append(Step(name, PASSED, said))
        elif number == place:
            steps.append(Step(name, FAILED, said, refusal.reason[:MAX_SAID], _REMEDIES[name]))
        else:
            steps.append(Step(name, NOT_REACHED))
    return steps


def place(form: Form) -> dict[str, str]:
    """Return where a refused request asked to be let in, as a token's entry says it; nothing where it said none."""
    found = [value for parameter in _SHOWN["resource"] for value in form.get(parameter, ()) if value]
    return {"audience": without_secrets(found[0])[:MAX_SAID]} if found else {}


def _said(name: str, form: Form) -> str:
    values = [value for parameter in _SHOWN.get(name, ()) for value in form.get(parameter, ())]
    return without_secrets(" ".join(value for value in values if value))[:MAX_SAID]
