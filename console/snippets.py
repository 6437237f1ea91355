"""What a page's form does, as a program asks for it: for lists with nothing in them."""

import json
import shlex

from tenants.models import Tenant
from tokens.checking.authority import Question


def request(tenant: Tenant, path: str, **said: object) -> str:
    """Return the call of the API that makes one; the token comes from the reader's environment."""
    return _post(f"{tenant.issuer}/api/v1/{path}", said, "Authorization: Bearer $REMIT_TOKEN")


def check(tenant: Tenant, question: Question) -> str:
    """Return the call that asks a question of access again."""
    person = {"person": question.person.pk} if question.person else {}
    chain = {"chain": [each.pk for each in question.chain]} if question.chain else {}
    scopes = {"scopes": sorted(question.scopes)} if question.scopes else {}
    return request(tenant, "check", agent=question.agent.pk, resource=question.resource, **person, **chain, **scopes)


def registration(tenant: Tenant) -> str:
    """Return how an agent registers itself (RFC 7591 §3.1)."""
    said = {"client_name": "Scout", "redirect_uris": ["https://scout.example.com/back"]}
    return _post(f"{tenant.issuer}/register", said)


def authorization(tenant: Tenant) -> str:
    """Return the address to which an agent sends a person (RFC 6749 §4.1.1, RFC 7636 §4.3)."""
    words = ("client_id=CLIENT_ID", "redirect_uri=YOUR_CALLBACK", "resource=RESOURCE", "scope=SCOPES", "state=RANDOM")
    proof = "code_challenge=CHALLENGE&code_challenge_method=S256"
    return "\n  ".join([f"{tenant.issuer}/authorize?response_type=code", *(f"&{each}" for each in words), f"&{proof}"])


def _post(address: str, said: object, *headers: str) -> str:
    asked = ("Content-Type: application/json", *headers)
    # What a stranger called something stays within its quotes, whatever shell it is pasted into.
    lines = [f"curl -X POST {address}", *(f'-H "{each}"' for each in asked), f"-d {shlex.quote(json.dumps(said))}"]
    return " \\\n  ".join(lines)
