"""`/userinfo` (OpenID Connect Core §5.3): for tokens whose audience is the issuer itself."""

from django.http import HttpResponse, JsonResponse
from django.utils import timezone

from kit.oauth import OPENID, InsufficientScope, InvalidToken, MethodNotAllowed, OAuthError
from tenants.models import Membership
from tokens import bearer
from tokens.endpoints.request import TenantRequest
from tokens.formats import id_token


def view(request: TenantRequest) -> HttpResponse:
    try:
        return JsonResponse(_claims(request), headers={"Cache-Control": "no-store"})
    except OAuthError as refusal:
        content = {"error": refusal.code, "error_description": refusal.description}
        headers = {"Cache-Control": "no-store", **_says_how(request, refusal)}
        return JsonResponse(content, status=refusal.status, headers=headers)


def _claims(request: TenantRequest) -> dict[str, object]:
    if request.method not in {"GET", "POST"}:
        raise MethodNotAllowed(request.method or "")
    tenant = request.tenant
    authorization = request.META.get("HTTP_AUTHORIZATION", "")
    known = bearer.verify(tenant, authorization, audience=tenant.issuer, now=timezone.now())
    if OPENID not in known.scopes:
        raise InsufficientScope("openid")
    member = Membership.objects.select_related("user").filter(pk=known.token.subject).first()
    if member is None:
        raise InvalidToken("no such member")
    return dict(id_token.identity(member.pk, name=member.name, email=member.email, scopes=known.scopes))


def _says_how(request: TenantRequest, refusal: OAuthError) -> dict[str, str]:
    """Return the headers that tell a caller what to do instead."""
    if refusal.status == 405:
        return {"Allow": "GET, POST"}
    challenge = f'Bearer realm="{request.tenant.slug}"'
    if request.META.get("HTTP_AUTHORIZATION"):
        # A caller that brought nothing is told no error (RFC 6750 §3).
        challenge += f', error="{refusal.code}"'
    if refusal.status == 403:
        challenge += f', scope="{OPENID}"'
    return {"WWW-Authenticate": challenge} if refusal.status in {401, 403} else {}
