"""`/token` (RFC 6749 §3.2): the six rooms, one line each."""

from collections.abc import Mapping

from django.utils import timezone

from agents.authentication import authenticate
from kit.oauth import InvalidGrant, Replayed, UnauthorizedClient
from tokens import grants, issuer
from tokens.endpoints.door import Received, Visit, read_form
from tokens.rules import narrow
from tokens.values import TokenRequest


def room(request: Received, visit: Visit) -> Mapping[str, object]:
    """Return a token set; raises OAuthError, or Stale when something read from a cache has changed."""
    asked = TokenRequest(read_form(request), timezone.now(), visit.spent)
    grant = grants.chosen(asked)
    visit.refusal = getattr(grant, "REFUSAL", InvalidGrant)
    client = visit.client = authenticate(request.authorization, asked.form, spent=visit.spent)
    if not client.allows_grant_type(grant.GRANT_TYPE):
        raise UnauthorizedClient(f"{client.client_id} registered no {grant.GRANT_TYPE}")
    try:
        proof = grant.prove(request.tenant, client, asked)
        return issuer.issue(narrow(proof, asked)).as_json()
    except Replayed:
        raise
    except InvalidGrant as refusal:
        raise visit.refusal(refusal.reason) from refusal
