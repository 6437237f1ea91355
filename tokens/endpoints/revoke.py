"""`/revoke` (RFC 7009 §2): an unknown, foreign or dead token gets the same answer as a live one of the caller's.

A deferral code is taken back here, too (DTR).
"""

from collections.abc import Mapping

from django.utils import timezone

from agents.authentication import authenticate_now
from audit.principals import Kind, Principal
from kit.oauth import InvalidRequest
from tokens import actions, deferrals
from tokens.endpoints.door import Received, Visit, read_form


def room(request: Received, visit: Visit) -> Mapping[str, object]:
    """Return the empty answer."""
    form = read_form(request)
    caller = visit.client = authenticate_now(request.authorization, form)
    if "token" not in form:
        raise InvalidRequest("token is missing")
    by, token = Principal(Kind.CLIENT, caller.client_id, caller.name), form["token"][0]
    if not deferrals.cancel(token, caller, by=by):
        actions.revoke_token(token, request.tenant, caller, by=by, now=timezone.now())
    return {}
