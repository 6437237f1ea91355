"""Sign-in and security: with what a person signs in, and what is missing."""

from allauth.mfa import app_settings
from allauth.mfa.models import Authenticator
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render

from console.access import for_members


@for_members
def view(request: HttpRequest) -> HttpResponse:
    held = list(Authenticator.objects.filter(user_id=request.user.pk).order_by("pk"))
    one = {factor.type: factor for factor in held}
    codes = one.get(Authenticator.Type.RECOVERY_CODES)
    context = {
        "passkeys": [_passkey(factor) for factor in held if factor.type == Authenticator.Type.WEBAUTHN],
        "app": one.get(Authenticator.Type.TOTP),
        "codes_left": len(codes.wrap().get_unused_codes()) if codes else None,
        "codes_made": app_settings.RECOVERY_CODE_COUNT,
    }
    return render(request, "me/security.html", context)


def _passkey(factor: Authenticator) -> dict[str, object]:
    row = {"id": factor.pk, "name": factor.data["name"]}
    return {**row, "created_at": factor.created_at, "last_used_at": factor.last_used_at}
