"""One issuer: what it is believed about, its keys, who its people are here, and switching it off and on."""

from datetime import datetime
from typing import Any

from django.db.models import Count, F, OuterRef, QuerySet, Subquery
from django.db.models.functions import Coalesce
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.utils.translation import gettext_lazy as _
from django.views.decorators.http import require_http_methods, require_POST

from agents.models import Agent, FederatedCredential
from console.access import for_act, principal
from console.admin.resources import version_of
from console.admin.trust import SHORT, Purpose, key_words, swapped_keys
from console.admin.trust_forms import ChangeIssuer, LinkForm, OffForm, ProviderForm
from console.attempt import attempt
from console.impact_words import impact_words
from console.paging import page
from delegations import reach
from tenants.models import Membership, Tenant
from tenants.roles import Act, may
from tokens import impact
from tokens.endpoints.request import MemberRequest
from trust import actions, heard, keys, providers, removing
from trust.models import IdentityProvider, SubjectLink, TrustedIssuer

PROVIDER = ("id", "client_id", "client_secret", "groups_claim", "roles", "version")
TOO_LATE = _("It was not removed, or longer than thirty days ago.")
NO_KEYS = _("Its keys could not be had just now. It is asked again by itself every minute.")


@for_act(Act.TRUST_READ)
def one(request: MemberRequest, issuer_id: str) -> HttpResponse:
    return show(request, issuer_of(issuer_id))


@require_POST
@for_act(Act.TRUST_WRITE)
def change(request: MemberRequest, issuer_id: str) -> HttpResponse:
    issuer = issuer_of(issuer_id)
    form = ChangeIssuer(issuer, request.POST)
    if form.is_valid():
        said, version = form.said(), version_of(request)
        refused = attempt(lambda: actions.change_issuer(issuer, by=principal(request), version=version, **said))
        if not refused:
            return redirect("console-issuer", issuer_id)
        form.add_error(None, refused)
    return show(request, issuer_of(issuer_id), form=form, status=422)


@require_http_methods(["GET", "HEAD", "POST"])
@for_act(Act.TRUST_WRITE)
def switch_off(request: MemberRequest, issuer_id: str) -> HttpResponse:
    """Say what stops while an issuer is off; and switch it off."""
    issuer, now, said = issuer_of(issuer_id), timezone.now(), ""
    reached = impact.of_issuer(issuer, now=now)
    form = OffForm(request.POST if request.method == "POST" else None, reaches=reached.delegations)
    if request.method == "POST" and form.is_valid():
        version, reason = version_of(request), form.cleaned_data["reason"]
        said = attempt(
            lambda: actions.change_issuer(
                issuer, by=principal(request), version=version, reason=reason, is_enabled=False
            )
        )
        if not said:
            return redirect("console-issuer", issuer_id)
    content = {
        "thing": issuer_of(issuer_id) if said else issuer,
        "back": "console-issuer",
        "impact": impact_words(reached, now=now, time_zone=request.tenant.time_zone),
        "form": form,
        "said": said,
        "signs_in": Purpose.SIGN_IN in issuer.purposes,
        "is_issuer": True,
    }
    return render(request, "console/trust_off.html", content, status=409 if said else 422 if form.errors else 200)


@require_POST
@for_act(Act.TRUST_WRITE)
def switch_on(request: MemberRequest, issuer_id: str) -> HttpResponse:
    issuer, version = issuer_of(issuer_id), version_of(request)
    said = attempt(lambda: actions.change_issuer(issuer, by=principal(request), version=version, is_enabled=True))
    if said:
        return show(request, issuer_of(issuer_id), said=said, status=409)
    return redirect("console-issuer", issuer_id)


@require_POST
@for_act(Act.ADMINS_APPOINT)
def confirm(request: MemberRequest, issuer_id: str) -> HttpResponse:
    issuer, version = issuer_of(issuer_id), version_of(request)
    said = attempt(lambda: actions.confirm_issuer(issuer, by=principal(request), version=version))
    if said:
        return show(request, issuer_of(issuer_id), said=said, status=409)
    return redirect("console-issuer", issuer_id)


@require_POST
@for_act(Act.TRUST_WRITE)
def fetch_keys(request: MemberRequest, issuer_id: str) -> HttpResponse:
    issuer = issuer_of(issuer_id)
    if not actions.fetch_keys(issuer, by=principal(request), now=timezone.now()):
        return show(request, issuer_of(issuer_id), said=str(NO_KEYS), status=409)
    return redirect("console-issuer", issuer_id)


def issuer_of(issuer_id: str) -> TrustedIssuer:
    """Return an issuer; it carries how many agents it brought, for how many secrets its tokens stand, and how people
    sign in there (`_provider`).
    """
    counted = {
        "brought": _number(Agent.objects.filter(issuer=OuterRef("pk"))),
        "stands_for_secrets": _number(FederatedCredential.objects.filter(issuer=OuterRef("pk"))),
    }
    carried = {f"provider_{name}": F(f"providers__{name}") for name in PROVIDER}
    found: TrustedIssuer = get_object_or_404(TrustedIssuer.objects.annotate(**counted, **carried), pk=issuer_id)
    return found


def _provider(issuer: TrustedIssuer) -> IdentityProvider | None:
    """Return the provider that an issuer carries: it has one at most."""
    values = {name: getattr(issuer, f"provider_{name}") for name in PROVIDER}
    return IdentityProvider(issuer=issuer, **values) if values["id"] else None


def show(
    request: MemberRequest,
    issuer: TrustedIssuer,
    *,
    form: ChangeIssuer | None = None,
    link_form: LinkForm | None = None,
    provider_form: ProviderForm | None = None,
    said: str = "",
    status: int = 200,
) -> HttpResponse:
    """Show an issuer's page; forms that could not be used are shown as they were sent."""
    now, form, until = timezone.now(), form or ChangeIssuer(issuer), removing.restorable_until(issuer)
    links, pager = page(request, SubjectLink.objects.filter(issuer=issuer).select_related("member__user"))
    signs_in = Purpose.SIGN_IN in issuer.purposes
    provider = _provider(issuer) if signs_in else None
    content = {
        "issuer": issuer,
        "used_for": [SHORT[each] for each in Purpose if each in issuer.purposes],
        "form": form,
        "ticks": form.ticks(),
        "links": links,
        "link_form": link_form or LinkForm(),
        "signs_in": signs_in,
        "provider": provider,
        "provider_form": provider_form or ProviderForm(initial=_provider_words(provider)),
        "redirect_uri": f"{request.tenant.issuer}{providers.BACK}",
        "may_change": may(request.member, Act.TRUST_WRITE) and issuer.removed_at is None,
        "may_restore": may(request.member, Act.TRUST_WRITE) and until is not None and now < until,
        "restorable_until": until,
        "may_confirm": may(request.member, Act.ADMINS_APPOINT) and issuer.removed_at is None,
        "said": said,
        **_facts(request, issuer, now),
        **pager,
    }
    return render(request, "console/trust_issuer.html", content, status=status)


def _facts(request: MemberRequest, issuer: TrustedIssuer, now: datetime) -> dict[str, Any]:
    zone = request.tenant.time_zone
    return {
        "swapped": swapped_keys(issuer),
        "stands_for_admins": issuer.may_stand_for(Membership.Role.ADMIN),
        "keys": [(kid, entry[0]) for kid, entry in keys.known(issuer).items()],
        "from": key_words(issuer, now=now, zone=zone),
        "reach": reach.of_issuer(issuer, now=now),
        "heard": heard.lately(now).get(issuer.pk, heard.NOTHING),
        "brings_agents": Purpose.WORKLOAD in issuer.purposes,
        "workloads_are_off": request.tenant.workloads == Tenant.Registration.OFF,
    }


def _number(rows: "QuerySet[Any]") -> Coalesce:
    numbered = rows.order_by().values("issuer").annotate(number=Count("pk")).values("number")
    return Coalesce(Subquery(numbered), 0)


def _provider_words(provider: IdentityProvider | None) -> dict[str, Any]:
    if provider is None:
        return {}
    return {
        "client_id": provider.client_id,
        "is_public": not provider.client_secret,
        "groups_claim": provider.groups_claim,
        "roles": "\n".join(f"{group}: {role}" for group, role in provider.roles),
    }
