"""`/deferred/…`: a person looks at what an agent that acts for them waits for, and decides (DTR, `interaction_uri`).

The page is the consent page. Whoever the request is not about, and whoever comes to an address that was opened in
another browser, gets one answer.
"""

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render, resolve_url
from django.utils import timezone
from django.utils.http import urlencode
from django.views.decorators.http import require_GET, require_POST

from agents.models import Agent
from audit.principals import Kind, Principal
from delegations.errors import AlreadyDecided
from kit import opaque
from kit.oauth import OAuthError
from tenants.models import Membership
from tokens import looking
from tokens.asking import Asked, understand_device
from tokens.endpoints import consent_page, freshness, problem_page
from tokens.endpoints.authorize import check_client
from tokens.endpoints.device_page import for_members
from tokens.endpoints.problem_page import Unanswerable
from tokens.endpoints.request import MemberRequest
from tokens.models import Deferral

HANDLES = "deferred_requests"


@require_GET
@for_members
def look(request: MemberRequest, address: str) -> HttpResponse:
    """Show what is asked for: once, and again in the browser that opened it."""
    now, handles = timezone.now(), request.session.get(HANDLES, [])
    deferral = looking.find(address, member=request.member, handles=handles, now=now)
    if deferral is None:
        raise Unanswerable(problem_page.expired())
    page = consent_page.build(request.tenant, request.member, _asked(request, deferral), now=now)
    handle = looking.turn(deferral, address, member=request.member, shown=page.as_shown(), now=now)
    request.session[HANDLES] = [*handles[-9:], opaque.digest(handle)]
    switch = f"{resolve_url('account_logout')}?{urlencode({'next': resolve_url('my-agents')})}"
    content = {"page": page.with_handle(handle), "switch_account_url": switch, "since": deferral.created}
    return render(request, "oauth/deferred_consent.html", content)


@require_POST
@for_members
def decision(request: MemberRequest) -> HttpResponse:
    """Take the decision on the page that this browser was shown last."""
    handle = request.POST.get("handle", "")
    deferral = looking.held(handle, member=request.member)
    if deferral is None or opaque.digest(handle) not in request.session.get(HANDLES, []):
        raise Unanswerable(problem_page.expired())
    if deferral.status != Deferral.Status.WAITING:
        raise AlreadyDecided(deferral.pk)
    if deferral.expires <= timezone.now():
        raise Unanswerable(problem_page.expired())
    asked, by = _asked(request, deferral), _principal(request.member)
    agreement = consent_page.agreement(request, deferral.shown, asked, request.member)
    if agreement is None:
        looking.refuse(deferral, by=by)
        return _done(request, deferral, "denied")
    looking.allow(deferral, asked, agreement, by=by, signed_in_at=freshness.signed_in_at(request))
    return _done(request, deferral, "allowed")


def _done(request: HttpRequest, deferral: Deferral, outcome: str) -> HttpResponse:
    return render(request, "oauth/deferred_done.html", {"outcome": outcome, "client_name": deferral.client.name})


def _asked(request: MemberRequest, deferral: Deferral) -> Asked:
    """Return what the request asks for, by what is registered now."""
    client = check_client(deferral.client.client_id)
    agent = client.agent
    if agent is not None and (agent.status != Agent.Status.ACTIVE or agent.waits(timezone.now())):
        raise Unanswerable(problem_page.waits(agent))
    if agent is not None and not agent.may_act_for(request.member):
        raise Unanswerable(problem_page.for_others(agent))
    scopes = {name for each in deferral.asked.values() for name in each}
    form = {"scope": (" ".join(sorted(scopes)),), "resource": tuple(deferral.asked)}
    try:
        return understand_device(request.tenant, client, form)
    except OAuthError as refusal:
        raise Unanswerable(problem_page.malformed(refusal.reason)) from refusal


def _principal(member: Membership) -> Principal:
    return Principal(Kind.USER, member.pk, member.name)
