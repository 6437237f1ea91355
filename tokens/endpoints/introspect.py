"""`/introspect` (RFC 7662 §2): for a resource server named in the audience, and for the token's own client."""

from collections.abc import Mapping

from django.utils import timezone

from agents.authentication import authenticate
from kit.oauth import InvalidClient, InvalidRequest
from tokens import askers
from tokens.endpoints.door import Received, Visit, read_form
from tokens.formats import introspection


def room(request: Received, visit: Visit) -> Mapping[str, object]:
    """Return the claims of a live token, or `active: false` and nothing else."""
    form = read_form(request)
    caller = visit.client = authenticate(request.authorization, form, evidence=visit.evidence)
    if caller.is_public:
        raise InvalidClient("a public client cannot introspect")
    if "token" not in form:
        raise InvalidRequest("token is missing")
    now = timezone.now()
    described = introspection.describe(form["token"][0], request.tenant, caller, now=now)
    askers.note(caller, now=now)
    return described
