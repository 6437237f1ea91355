"""`/token` (RFC 6749 §3.2): the six rooms, one line each."""

from collections.abc import Mapping

from django.utils import timezone

from agents.authentication import authenticate
from kit.oauth import UnauthorizedClient
from tokens import grants, issuer
from tokens.endpoints.door import Received, Visit, read_form
from tokens.rules import narrow
from tokens.values import TokenRequest


def room(request: Received, visit: Visit) -> Mapping[str, object]:
    """Return a token set; raises OAuthError, or Stale when something read from a cache has changed."""
    asked = TokenRequest(read_form(request), timezone.now())
    grant = grants.chosen(asked)
    client = visit.client = authenticate(request.authorization, asked.form, spent=visit.spent)
    if not client.allows_grant_type(grant.GRANT_TYPE):
        raise UnauthorizedClient(f"{client.client_id} registered no {grant.GRANT_TYPE}")
    proof = grant.prove(request.tenant, client, asked)
    return issuer.issue(narrow(proof, asked)).as_json()
