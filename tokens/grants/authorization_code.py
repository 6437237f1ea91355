"""RFC 6749 §4.1.3 with PKCE (RFC 7636 §4.6): a code, once, by the client that asked, with its verifier."""

import base64
import hashlib
from datetime import timedelta

from agents.models import Client
from kit import opaque, uris
from kit.oauth import GrantType, InvalidGrant, Replayed
from tenants.models import Tenant
from tokens import rows
from tokens.models import AuthorizationCode
from tokens.values import CodeUse, Proof, SignIn, TokenRequest

GRANT_TYPE = GrantType.AUTHORIZATION_CODE
PARAMETERS = ("code", "redirect_uri", "code_verifier")
DOUBLE_SUBMIT = timedelta(seconds=2)


def prove(tenant: Tenant, client: Client, request: TokenRequest) -> Proof:
    """Return what the code proves; raises InvalidGrant, or Replayed when what it bought must die."""
    code = rows.code(opaque.digest(request.one("code")))
    if code is None:
        raise InvalidGrant("unknown code")
    flaw = _flaw(code, client, request)
    if code.used_at is not None:
        _judge_replay(code, request, honest=not flaw)
    if flaw:
        raise InvalidGrant(f"{code.pk}: {flaw}")
    if code.expires <= request.presented_at:
        raise InvalidGrant(f"{code.pk} is over")
    return Proof(
        tenant=tenant,
        subject=code.member_id,
        actor=client.agent,
        client=client,
        scopes=frozenset(code.scope.split()),
        delegations=rows.delegations(code.delegations),
        may_infer_audience=True,
        consumes=CodeUse(code.pk, uris.remembered_host(code.redirect_uri)),
        sign_in=SignIn(code.auth_time, code.nonce),
    )


def _flaw(code: AuthorizationCode, client: Client, request: TokenRequest) -> str:
    if code.client_id != client.pk:
        return "code of another client"
    if code.redirect_uri != request.one("redirect_uri"):
        return "another redirect_uri"
    if not _verifies(request.one("code_verifier"), code.code_challenge):
        return "wrong code_verifier"
    return ""


def _judge_replay(code: AuthorizationCode, request: TokenRequest, *, honest: bool) -> None:
    # A replayed code revokes what it bought (RFC 6749 §4.1.2): we cannot tell thief from owner. Only the owner's own
    # double submit, which knows the verifier and comes at once, does no harm.
    assert code.used_at is not None
    if honest and request.now - code.used_at <= DOUBLE_SUBMIT:
        raise InvalidGrant(f"{code.pk} was sent twice at once")
    raise Replayed(f"{code.pk} was replayed", family=code.family_id or "")


def _verifies(verifier: str, challenge: str) -> bool:
    if not 43 <= len(verifier) <= 128 or not verifier.isascii():
        return False
    computed = base64.urlsafe_b64encode(hashlib.sha256(verifier.encode()).digest()).rstrip(b"=").decode()
    return opaque.same(computed, challenge)
