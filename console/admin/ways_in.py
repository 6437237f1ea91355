"""Ways in: who may register agents or bring documents, which hosts need nobody, and tokens that let somebody in."""

from datetime import timedelta
from typing import Any

from django import forms
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.utils.translation import gettext, gettext_lazy
from django.views.decorators.http import require_GET, require_POST

from agents import registration_tokens
from agents.errors import NotActive, Unusable
from agents.models import RegistrationToken
from console.access import for_admins, for_keepers, principal
from delegations.sentence import in_words
from kit import uris
from tenants import actions
from tenants.errors import BadSetting, TenantError
from tenants.models import Tenant
from tenants.rules import is_admittable
from tokens.endpoints.request import MemberRequest
from trust.models import TrustedIssuer

SHOWN = 50
MOST_HOSTS = 200
WRONG_HOST = gettext_lazy(
    "A host looks like agents.example.com, a document like https://agents.example.com/agent.json; this like neither:"
)
WORKLOADS = (("off", gettext_lazy("Nobody")), ("open", gettext_lazy("Platforms that are trusted")))


class WaysForm(forms.Form):
    registration = forms.ChoiceField(
        choices=Tenant.Registration.choices, label=gettext_lazy("Agents that register themselves")
    )
    registration_needs_token = forms.BooleanField(required=False)
    documents = forms.ChoiceField(
        choices=Tenant.Registration.choices, label=gettext_lazy("Agents that come with a document of their own")
    )
    workloads = forms.ChoiceField(choices=WORKLOADS, label=gettext_lazy("Agents that a platform brings"))
    admitted_hosts = forms.CharField(required=False, max_length=20_000, label=gettext_lazy("Named hosts"))

    def clean_admitted_hosts(self) -> list[str]:
        """Return hosts and addresses of documents; raises ValidationError with the first that is neither."""
        named = read_hosts(self.cleaned_data["admitted_hosts"])
        if wrong := [entry for entry in named if not _is_named_well(entry)]:
            raise forms.ValidationError(f"{WRONG_HOST} {wrong[0][:80]}")
        if len(named) > MOST_HOSTS:
            raise forms.ValidationError(gettext("Name at most %(most)s hosts and documents.") % {"most": MOST_HOSTS})
        return named


def read_hosts(text: str) -> list[str]:
    """Return what was typed, one entry for each line or word; an address stays as it is, because it is an id."""
    words = [word.strip(",") for word in text.split()]
    addresses = {word for word in words if "://" in word}
    hosts = {host.lower() for word in words if word not in addresses for host in word.split(",") if host}
    return sorted(hosts | addresses)


def _is_named_well(entry: str) -> bool:
    if "://" in entry:
        return is_admittable(entry)
    return "." in entry and uris.host_of(f"https://{entry}/") == entry


class TokenForm(forms.Form):
    name = forms.CharField(max_length=100, label=gettext_lazy("For whom or what"))
    uses = forms.IntegerField(
        min_value=1, max_value=registration_tokens.MOST_USES, label=gettext_lazy("Good for how many agents")
    )
    days = forms.IntegerField(
        min_value=1, max_value=registration_tokens.LONGEST.days, label=gettext_lazy("Ends in how many days")
    )


@require_GET
@for_keepers
def page(request: MemberRequest) -> HttpResponse:
    return _page(request)


@require_POST
@for_admins
def change(request: MemberRequest) -> HttpResponse:
    form = WaysForm(request.POST)
    if not form.is_valid():
        return _page(request, ways=form, status=422)
    try:
        actions.change_policy(request.tenant, by=principal(request), **form.cleaned_data)
    except BadSetting as flaw:
        form.add_error(flaw.setting if flaw.setting in form.fields else None, flaw.words)
        return _page(request, ways=form, status=422)
    except TenantError as refusal:
        form.add_error(None, str(refusal))
        return _page(request, ways=form, status=422)
    return redirect("console-ways-in")


@require_POST
@for_admins
def make_token(request: MemberRequest) -> HttpResponse:
    """Make an initial access token, and show it this once."""
    form = TokenForm(request.POST)
    if not form.is_valid():
        return _page(request, token=form, status=422)
    said = form.cleaned_data
    until = timezone.now() + timedelta(days=said["days"])
    try:
        made, secret = registration_tokens.make(
            said["name"], by=principal(request), made_by=request.member, uses=said["uses"], expires_at=until
        )
    except Unusable as refusal:
        form.add_error(None, str(refusal))
        return _page(request, token=form, status=422)
    return _page(request, shown={"name": made.name, "token": secret})


@require_POST
@for_admins
def revoke_token(request: MemberRequest, token_id: str) -> HttpResponse:
    try:
        registration_tokens.revoke(get_object_or_404(RegistrationToken, pk=token_id), by=principal(request))
    except NotActive:
        return _page(request, said=gettext("It was taken back already."), status=409)
    return redirect("console-ways-in")


def _page(
    request: MemberRequest,
    *,
    ways: WaysForm | None = None,
    token: TokenForm | None = None,
    shown: dict[str, str] | None = None,
    said: str = "",
    status: int = 200,
) -> HttpResponse:
    tenant = Tenant.objects.get(pk=request.tenant.pk)
    content = {
        "ways": ways.data if ways else _as_typed(tenant),
        "ways_errors": _flaws(ways),
        "modes": Tenant.Registration.choices,
        "workload_modes": WORKLOADS,
        "token": token.data if token else {"uses": "1", "days": str(registration_tokens.USUAL.days)},
        "token_errors": _flaws(token),
        "tokens": [_row(each, request) for each in RegistrationToken.objects.order_by("-pk")[:SHOWN]],
        "shown": shown,
        "said": said,
        "issuers": _vouching(),
        "may_change": request.member.is_admin,
    }
    return render(request, "console/ways_in.html", content, status=status)


def _as_typed(tenant: Tenant) -> dict[str, Any]:
    names = ("registration", "registration_needs_token", "documents", "workloads")
    return {**{name: getattr(tenant, name) for name in names}, "admitted_hosts": "\n".join(tenant.admitted_hosts)}


def _flaws(form: forms.Form | None) -> list[str]:
    """Return what is wrong, each with the field that it is about."""
    if form is None:
        return []
    return [
        f"{form.fields[name].label}: {flaw}" if name in form.fields else str(flaw)
        for name, flaws in form.errors.items()
        for flaw in flaws
    ]


def _row(token: RegistrationToken, request: MemberRequest) -> dict[str, Any]:
    now = timezone.now()
    return {
        "id": token.pk,
        "name": token.name,
        "uses": token.uses,
        "uses_left": token.uses_left,
        "expires_at": token.expires_at,
        "expires": in_words(token.expires_at, now=now, time_zone=request.tenant.time_zone),
        "is_revoked": token.revoked_at is not None,
        "is_good": token.revoked_at is None and token.uses_left > 0 and token.expires_at > now,
    }


def _vouching() -> list[dict[str, Any]]:
    """Return the issuers whose statements about software are believed."""
    enabled = TrustedIssuer.objects.filter(is_enabled=True).order_by("name")
    vouch = [each for each in enabled if each.serves(TrustedIssuer.Purpose.SOFTWARE)]
    return [{"name": each.name, "issuer": each.issuer} for each in vouch]
