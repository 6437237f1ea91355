"""Sign-in and security: with what a person signs in, what is missing, and where they are signed in."""

from datetime import datetime
from typing import Any

from allauth.mfa import app_settings
from allauth.mfa.models import Authenticator
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.utils.translation import gettext, ngettext
from django.views.decorators.http import require_POST

from console.access import for_members, principal
from console.attempt import attempt
from console.consents import browser_words
from console.entrance.first_proof import first_proof
from console.entrance.places import let_out
from delegations.sentence import in_words
from tenants import sign_ins
from tenants.sign_in import SignIn
from tokens.endpoints.request import MemberRequest

_ENDED = "last_ended_sign_in"


@for_members
def view(request: MemberRequest) -> HttpResponse:
    held = list(Authenticator.objects.filter(user_id=request.user.pk).order_by("pk"))
    one = {factor.type: factor for factor in held}
    codes = one.get(Authenticator.Type.RECOVERY_CODES)
    context = {
        "passkeys": [_passkey(factor) for factor in held if factor.type == Authenticator.Type.WEBAUTHN],
        "app": one.get(Authenticator.Type.TOTP),
        "codes_left": len(codes.wrap().get_unused_codes()) if codes else None,
        "codes_made": app_settings.RECOVERY_CODE_COUNT,
        "first": first_proof(request.member),
        "is_of_tenant": request.member.user.home_id is not None,
        "said": request.session.pop(_ENDED, ""),
        **_sign_ins(request, timezone.now()),
    }
    return render(request, "me/security.html", context)


@require_POST
@for_members
def end(request: MemberRequest, sign_in_id: str) -> HttpResponse:
    """End one of this person's sign-ins here; of the browser that asks, that is signing out."""
    found = get_object_or_404(sign_ins.of(request.member), pk=sign_in_id)
    said = attempt(lambda: sign_ins.end(found, by=principal(request)))
    if found.pk == _current(request):
        let_out(request)
        return redirect("account_login")
    request.session[_ENDED] = said or gettext("This sign-in ended: %(place)s.") % {"place": _place(found)}
    return redirect("mfa_index")


@require_POST
@for_members
def end_others(request: MemberRequest) -> HttpResponse:
    count = sign_ins.end_others(request.member, _current(request), by=principal(request))
    words = ngettext("%(n)s other sign-in ended.", "%(n)s other sign-ins ended.", count) % {"n": count}
    request.session[_ENDED] = words
    return redirect("mfa_index")


def _sign_ins(request: MemberRequest, now: datetime) -> dict[str, Any]:
    current, zone = _current(request), request.tenant.time_zone
    found = sign_ins.living(request.member, now=now)
    rows = [
        {
            "id": each.pk,
            "place": _place(each),
            "network": each.network,
            "at": each.created_at,
            "when": in_words(each.created_at, now=now, time_zone=zone),
            "is_current": each.pk == current,
        }
        for each in sorted(found, key=lambda each: each.pk != current)
    ]
    return {"sign_ins": rows, "has_others": any(not row["is_current"] for row in rows)}


def _place(sign_in: SignIn) -> str:
    return browser_words(sign_in.browser, sign_in.system)


def _current(request: MemberRequest) -> str:
    return str(request.session.get(sign_ins.KEPT, ""))


def _passkey(factor: Authenticator) -> dict[str, object]:
    row = {"id": factor.pk, "name": factor.data["name"]}
    return {**row, "created_at": factor.created_at, "last_used_at": factor.last_used_at}
