"""`/device` (RFC 8628 §3.3): a person types in what their device shows, sees what it asks for, and decides.

A code that came with the address is shown to be compared and never sent by itself (§3.3.1): whoever mails it to others
hopes for one click. The page that follows is the one of `/authorize`, with where the request was started. Unknown,
expired, decided and somebody else's codes get one answer, and whoever keeps guessing waits (§5.1).
"""

from collections.abc import Callable
from functools import wraps
from typing import Any

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render, resolve_url
from django.utils import timezone
from django.utils.http import urlencode
from django.views.decorators.http import require_http_methods, require_POST

from agents.models import Agent
from audit.principals import Kind, Principal
from delegations.errors import AlreadyDecided
from delegations.sentence import in_words
from kit.oauth import OAuthError
from tenants.models import Membership
from tenants.rules import takes_device_codes
from tokens import device
from tokens.asking import Asked, understand_device
from tokens.endpoints import consent_page, freshness, problem_page, throttle, too_often
from tokens.endpoints.authorize import check_client
from tokens.endpoints.problem_page import Unanswerable
from tokens.endpoints.request import MemberRequest
from tokens.models import DeviceGrant

WAIT = 300
REPORT = "report"
View = Callable[..., HttpResponse]


def for_members(view: View) -> View:
    """Send whoever is not signed in to sign in, and back to the code; answer what cannot go on by a page."""

    @wraps(view)
    def guarded(request: MemberRequest, **named: str) -> HttpResponse:
        if request.member is None:
            return freshness.sign_in(request) if request.method == "GET" else redirect("device")
        try:
            response = view(request, **named)
        except Unanswerable as refusal:
            response = problem_page.answer(request, refusal.problem)
        except AlreadyDecided:
            response = render(request, "oauth/decided.html", status=409)
        response.headers["Cache-Control"] = "no-store"
        return response

    return guarded


@require_http_methods(["GET", "POST"])
@for_members
def code(request: MemberRequest) -> HttpResponse:
    """Ask for the code, or take the request behind it and show what it asks for."""
    _check_place(request)
    if request.method == "GET":
        return _code_page(request, request.GET.get("user_code", ""))
    typed = request.POST.get("user_code", "")
    keys = _keys(request)
    if not all(throttle.count(key, limit=limit, seconds=WAIT) for key, limit in keys.items()):
        return too_often.page(request, seconds=WAIT)
    grant = device.find(typed, member=request.member, now=timezone.now())
    if grant is None:
        return _code_page(request, typed, is_wrong=True)
    for key in keys:
        throttle.take_back(key)
    return _report(request, grant) if request.POST.get("decision") == REPORT else _show(request, grant)


@require_POST
@for_members
def decision(request: MemberRequest) -> HttpResponse:
    """Take the decision on the page that was shown last."""
    _check_place(request)
    grant = device.held(request.POST.get("handle", ""), member=request.member)
    if grant is None:
        raise Unanswerable(problem_page.expired())
    if grant.status != DeviceGrant.Status.PENDING:
        raise AlreadyDecided(grant.pk)
    if grant.expires <= timezone.now():
        raise Unanswerable(problem_page.expired())
    if request.POST.get("decision") == REPORT:
        device.report(grant, by=_principal(request.member))
        return _done(request, grant, "reported")
    asked = _asked(request, grant)
    agreement = consent_page.agreement(request, grant.shown, asked, request.member)
    if agreement is None:
        device.refuse(grant, by=_principal(request.member))
        return _done(request, grant, "denied")
    moment = freshness.signed_in_at(request)
    device.allow(grant, asked, agreement, by=_principal(request.member), signed_in_at=moment)
    return _done(request, grant, "allowed")


def _check_place(request: MemberRequest) -> None:
    if not takes_device_codes(request.tenant, request.META.get("REMOTE_ADDR", "")):
        raise Unanswerable(problem_page.no_device_codes())


def _code_page(request: HttpRequest, typed: str, *, is_wrong: bool = False) -> HttpResponse:
    known = device.written(device.letters(typed))
    context = {"code": known, "came_with_link": bool(known) and not is_wrong, "is_wrong": is_wrong}
    return render(request, "oauth/device.html", context, status=400 if is_wrong else 200)


def _show(request: MemberRequest, grant: DeviceGrant) -> HttpResponse:
    now, asked = timezone.now(), _asked(request, grant)
    page = consent_page.build(request.tenant, request.member, asked, now=now)
    try:
        handle = device.claim(grant, member=request.member, shown={**page.as_shown(), **_started(grant)}, now=now)
    except AlreadyDecided:
        return _code_page(request, request.POST.get("user_code", ""), is_wrong=True)
    context: dict[str, Any] = {
        "page": page.with_handle(handle),
        "switch_account_url": f"{resolve_url('account_logout')}?{urlencode({'next': resolve_url('device')})}",
        "code": device.written(device.letters(request.POST.get("user_code", ""))),
        "started": in_words(grant.created, now=now, time_zone=request.tenant.time_zone),
        "grant": grant,
    }
    return render(request, "oauth/device_consent.html", context)


def _report(request: MemberRequest, grant: DeviceGrant) -> HttpResponse:
    """End a code that the person was sent: taken and reported in one."""
    handle = device.claim(grant, member=request.member, shown=_started(grant), now=timezone.now())
    mine = device.held(handle, member=request.member)
    if mine is None:
        raise AlreadyDecided(grant.pk)
    device.report(mine, by=_principal(request.member))
    return _done(request, mine, "reported")


def _done(request: HttpRequest, grant: DeviceGrant, outcome: str) -> HttpResponse:
    return render(request, "oauth/device_done.html", {"outcome": outcome, "client_name": grant.client.name})


def _asked(request: MemberRequest, grant: DeviceGrant) -> Asked:
    """Return what the device asks for, by what is registered now."""
    client = check_client(grant.client.client_id)
    agent = client.agent
    if agent is not None and (agent.status != Agent.Status.ACTIVE or agent.waits(timezone.now())):
        raise Unanswerable(problem_page.waits(agent))
    if agent is not None and not agent.may_act_for(request.member):
        raise Unanswerable(problem_page.for_others(agent))
    form = {name: tuple(values) for name, values in grant.parameters.items()}
    try:
        return understand_device(request.tenant, client, form)
    except OAuthError as refusal:
        raise Unanswerable(problem_page.malformed(refusal.reason)) from refusal


def _started(grant: DeviceGrant) -> dict[str, Any]:
    """Return what the page says of the start, to be kept with the consent."""
    origin = {"at": grant.created.isoformat(), "user_agent": grant.user_agent, "address": grant.address}
    return {"started": origin}


def _keys(request: MemberRequest) -> dict[str, int]:
    """Return what tries count under, and how many are allowed."""
    tenant, address = request.tenant.pk, request.META.get("REMOTE_ADDR", "")
    return {
        f"{tenant}:device codes:{request.member.pk}": settings.DEVICE_TRIES,
        f"{tenant}:device codes:{address}": settings.DEVICE_TRIES_PER_ADDRESS,
    }


def _principal(member: Membership) -> Principal:
    return Principal(Kind.USER, member.pk, member.name)
