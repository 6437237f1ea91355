"""Sign-in at the company's own provider (OpenID Connect), chosen by mail domain or by name.

The browser that began it is the one that may finish it: `state`, `nonce` and the code's verifier stay in its session,
so that nobody is signed in by a link of somebody else's.
"""

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import structlog
from allauth.account.internal.flows.login import perform_login, record_authentication
from allauth.account.models import Login
from django.core.cache import cache
from django.http import HttpResponse
from django.shortcuts import redirect, render, resolve_url
from django.urls import reverse
from django.utils import timezone
from django.utils.http import urlencode
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET

from audit.events import Event
from console.entrance import arrivals
from console.entrance.adapter import Adapter
from console.entrance.places import write_down
from delegations.sentence import in_words
from kit import context
from kit.fetch import Unfetchable
from kit.oauth import BadAssertion
from tenants.models import Membership
from tokens.across import people, relying
from tokens.across.relying import Begun
from tokens.endpoints import problem_page
from tokens.endpoints.request import TenantRequest
from trust import providers
from trust.models import IdentityProvider

METHOD = "company"
LIFE = timedelta(minutes=10)
AT_ONCE = 5
SILENT_FOR = 24 * 3600
"""Seconds that it is known since when a provider does not answer."""
_KEPT = "company_sign_in"
_log = structlog.get_logger("console.company")


@require_GET
def begin(request: TenantRequest) -> HttpResponse:
    """Send the browser to the provider that is named, or that a mail address belongs to."""
    named, address = request.GET.get("at", ""), request.GET.get("email", "")[:254]
    usable = providers.usable()
    provider = next((each for each in usable if each.pk == named), None) or providers.of_address(address, usable)
    if provider is None and named:
        return problem_page.answer(request, problem_page.issuer_not_trusted(providers.issuer_of(named)))
    if provider is None:
        domain = address.rpartition("@")[2]
        title = _("No company sign-in is set up for this address")
        return _page(request, title, _("Sign in in another way, or ask an admin to add your company."), domain=domain)
    begun, is_again = Begun.now(), request.GET.get("again") == "1" and request.member is not None
    try:
        place = relying.address(provider, begun, redirect_uri=_back(request), hint=address, again=is_again)
    except Unfetchable as error:
        return _away(request, provider, error)
    cache.delete(_silence(provider))
    _keep(request, begun, provider, request.GET.get("next", ""), is_again=is_again)
    return HttpResponse(status=303, headers={"Location": place})


@require_GET
def finish(request: TenantRequest) -> HttpResponse:
    """Take what the provider sent back, and let the person in."""
    kept, now = _take(request), timezone.now()
    if kept is None or datetime.fromisoformat(kept["at"]) + LIFE < now:
        return _page(request, _("This sign-in was not started here"), _("Nobody was signed in. Start again."))
    provider = next((each for each in providers.usable() if each.pk == kept["provider"]), None)
    if provider is None:
        return problem_page.answer(request, problem_page.issuer_not_trusted(providers.issuer_of(kept["provider"])))
    if request.GET.get("error"):
        said = request.GET["error"][:60]
        return _page(request, _("Your company's sign-in said no"), _("Nobody was signed in. Start again."), said=said)
    try:
        claims = _claims(request, provider, Begun(kept["state"], kept["nonce"], kept["verifier"]), now)
        member = arrivals.member_of(provider, claims, now=now)
    except Unfetchable as error:
        return _away(request, provider, error)
    except BadAssertion as refusal:
        arrivals.refuse(provider, refusal.reason)
        if isinstance(refusal, relying.ClocksDiffer):
            return _clocks(request, refusal.theirs, now)
        # Who they are is proved: it is said to them alone.
        if isinstance(refusal, people.Closed):
            words = _("Your company's sign-in worked. An admin here can open your place again.")
            return _page(request, _("Your place here is closed"), words)
        title = _("Your company's sign-in does not open this organisation")
        return _page(request, title, _("Ask an admin here to add you. The reason is in their activity."))
    moment = relying.signed_in_at(claims, now=now)
    is_again = request.member is not None and kept["is_again"]
    return (_prove if is_again else _let_in)(request, member, moment, kept)


def way_again(member: Membership) -> str:
    """Return where somebody proves again who they are who has no password and no factor here, or ""."""
    linked = member.links.filter(issuer__providers__isnull=False).values_list("issuer__providers", flat=True).first()
    return f"{resolve_url('company-sign-in')}?at={linked}&again=1" if linked else ""


def _claims(request: TenantRequest, provider: IdentityProvider, begun: Begun, now: datetime) -> Mapping[str, Any]:
    if not relying.names_the_provider(provider, request.GET.get("iss")):
        raise BadAssertion("the answer names another issuer")
    return relying.finish(provider, begun, request.GET.get("code", ""), redirect_uri=_back(request), now=now)


def _prove(request: TenantRequest, member: Membership, moment: datetime | None, kept: dict[str, Any]) -> HttpResponse:
    """Take a provider's word that it asked the person now; its mere word who they are says nothing of that."""
    assert request.member is not None
    if request.member.pk != member.pk:
        return _page(request, _("That was somebody else"), _("Prove again that it is you, as who is signed in."))
    if moment is None:
        title = _("Your company's sign-in does not say when you signed in")
        words = _(
            "So it does not prove that it is you. Ask an admin here to have it send auth_time where max_age asks."
        )
        return _page(request, title, words)
    # It asked on this very way, give or take what clocks differ.
    begun = datetime.fromisoformat(kept["at"])
    if moment < begun - timedelta(seconds=relying.LEEWAY):
        title = _("Your company's sign-in did not ask you again")
        return _page(request, title, _("Sign out there, then come back to this page and prove that it is you."))
    _remember(request, member, max(moment, begun), kept)
    write_down(Event.SIGNED_IN_AGAIN, member.user, [METHOD])
    return redirect(_after(kept) or "my-agents")


def _let_in(request: TenantRequest, member: Membership, moment: datetime | None, kept: dict[str, Any]) -> HttpResponse:
    _remember(request, member, moment, kept)
    response: HttpResponse = perform_login(request, Login(user=member.user, redirect_url=_after(kept) or None))
    return response


def _remember(request: TenantRequest, member: Membership, moment: datetime | None, kept: dict[str, Any]) -> None:
    # As old as the provider says: coming by a session that lives there proves nobody's presence here.
    at = moment.timestamp() if moment else 0.0
    record_authentication(request, member.user, method=METHOD, provider=kept["provider"], at=at)


def _after(kept: dict[str, Any]) -> str:
    return str(kept["next"]) if Adapter().is_safe_url(kept["next"]) else ""


def _back(request: TenantRequest) -> str:
    return f"{request.tenant.issuer}/login/company/back"


def _keep(request: TenantRequest, begun: Begun, provider: IdentityProvider, after: str, *, is_again: bool) -> None:
    kept = dict(list(request.session.get(_KEPT, {}).items())[-(AT_ONCE - 1) :])
    kept[begun.state] = {
        "state": begun.state,
        "nonce": begun.nonce,
        "verifier": begun.verifier,
        "provider": provider.pk,
        "next": after,
        "at": timezone.now().isoformat(),
        "is_again": is_again,
    }
    request.session[_KEPT] = kept


def _take(request: TenantRequest) -> dict[str, Any] | None:
    """Return what this browser began under the answer's `state`, once."""
    kept = request.session.get(_KEPT, {})
    found: dict[str, Any] | None = kept.pop(request.GET.get("state", ""), None)
    request.session[_KEPT] = kept
    return found


def _away(request: TenantRequest, provider: IdentityProvider, error: Unfetchable) -> HttpResponse:
    """Say since when it does not answer, and which ways in do not need it."""
    _log.info("no answer", provider=provider.pk, reason=str(error))
    since = cache.get_or_set(_silence(provider), timezone.now(), SILENT_FOR) or timezone.now()
    shown = {
        "title": _("Your company's server does not answer"),
        "text": _("Nobody was signed in. Try again in a minute, or sign in in another way."),
        "place": provider.issuer.issuer,
        "noted": str(error)[:200],
        "at": timezone.now().astimezone(ZoneInfo(request.tenant.time_zone)),
        "since": in_words(since, now=timezone.now(), time_zone=request.tenant.time_zone),
        "reference": context.request_id(),
        "again": f"{reverse('company-sign-in')}?{urlencode({'at': provider.pk, 'next': request.GET.get('next', '')})}",
    }
    return render(request, "account/company_problem.html", shown, status=502)


def _silence(provider: IdentityProvider) -> str:
    return f"company:silent:{provider.pk}"


def _clocks(request: TenantRequest, theirs: datetime, now: datetime) -> HttpResponse:
    """Say that the clocks differ, and by how much."""
    said = f"{theirs:%Y-%m-%d %H:%M:%S}, {now.astimezone(UTC):%Y-%m-%d %H:%M:%S} UTC"
    title = _("The clock of your company's sign-in differs from ours")
    words = _("Nobody was signed in. Tell your company's admins: the clocks must agree. First is theirs, then ours.")
    return _page(request, title, words, said=said)


def _page(request: TenantRequest, title: str, text: str, **facts: str) -> HttpResponse:
    """Show a page that says no; of facts it knows the `domain` that was asked for and what the provider `said`."""
    return render(request, "account/company_problem.html", {"title": title, "text": text, **facts}, status=400)
