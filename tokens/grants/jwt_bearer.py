"""RFC 7523 §2.1: an assertion as an authorization grant. Its `typ` says which kind, before anything in it is read.

`oauth-id-jag+jwt`: a company's identity provider says that an agent may act here for a person. Without a type of its
own: a trusted platform says which agent it runs. Every other type is made for another place and refused.
"""

from agents.models import Client
from kit import jose
from kit.forms import Form
from kit.oauth import BadAssertion, GrantType, InvalidRequest
from tenants.models import Tenant
from tokens.across import accepting, workloads
from tokens.formats import id_jag
from tokens.values import Proof, TokenRequest
from trust import heard

GRANT_TYPE = GrantType.JWT_BEARER
PARAMETERS = ("assertion",)
REFUSAL = BadAssertion
_PLAIN = frozenset({"", "jwt"})


def prove(tenant: Tenant, client: Client, request: TokenRequest) -> Proof:
    """Return what the assertion proves; raises OAuthError."""
    if request.has_key_proof:
        raise InvalidRequest("a key was proved, and no token is bound to one here")
    kind = _typ(request)
    if kind == id_jag.TYP:
        return accepting.prove(tenant, client, request)
    if kind in _PLAIN:
        return workloads.prove(tenant, client, request)
    raise BadAssertion(f"typ {kind[:80]!r}")


def client_of(tenant: Tenant, request: TokenRequest) -> Client | None:
    """Return the client that stands for a platform's agents where no client is named; None where one is needed."""
    return workloads.client_of(tenant, request) if _typ(request) in _PLAIN else None


def issuer_of(form: Form) -> str:
    """Return the id of the issuer from which an assertion claims to be; "" where it is nobody's who is registered."""
    try:
        _, claims = jose.unverified(form.get("assertion", ("",))[0])
    except jose.BadToken:
        return ""
    return heard.claimed(claims.get("iss"))


def _typ(request: TokenRequest) -> str:
    try:
        return jose.typ_of(request.one("assertion"))
    except jose.BadToken as error:
        raise BadAssertion(f"assertion: {error}") from error
