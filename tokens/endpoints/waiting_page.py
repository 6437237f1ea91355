"""An agent that nobody approved yet: the person asks their admins, and the page goes on by itself once it is decided.

The authorization request is kept as it was validated, PKCE and all, and resumed as it came. Nobody is asked before the
person presses the button; the page needs no script.
"""

from contextlib import suppress
from datetime import timedelta
from urllib.parse import urlencode

from django.http import Http404, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.http import require_http_methods

from agents import admission, lapsing, logos, remarks
from agents.errors import AlreadyDecided, Unusable
from agents.models import Agent, Approval, Client
from kit import opaque, uris
from tokens import actions
from tokens.asking import Asked
from tokens.endpoints.request import TenantRequest
from tokens.models import AuthorizationRequest

LIFE = timedelta(days=14)
EVERY = 5
"""Seconds between two looks."""


def is_waiting(asked: Asked) -> bool:
    """Say whether the agent that asks waits for an admin."""
    return asked.client.agent is not None and asked.client.agent.waits(timezone.now())


def open_for(request: TenantRequest, asked: Asked) -> HttpResponse:
    """Keep the request, and show that the agent is new here."""
    assert request.member is not None
    scopes = {target.audience: sorted(target.scopes) for target in asked.targets if target.resource_server}
    # Whoever opens the same request again and again leaves one row behind: a challenge belongs to one request.
    AuthorizationRequest.objects.filter(
        member=request.member, client=asked.client, decided_at=None, parameters__code_challenge=[asked.code_challenge]
    ).delete()
    handle = actions.hold_request(asked, member=request.member, shown={"wants": scopes}, now=timezone.now(), life=LIFE)
    agent = asked.client.agent
    return _page(request, asked.client, handle, has_asked=agent is not None and _has_asked(request, agent))


@require_http_methods(["GET", "POST"])
def view(request: TenantRequest, handle: str) -> HttpResponse:
    """Ask (POST), or look whether it is decided (GET)."""
    held = _held(request, handle)
    client = Client.objects.select_related("agent").get(pk=held.client_id)
    assert client.agent is not None
    if not client.agent.waits(timezone.now()):
        query = urlencode(held.parameters, doseq=True)
        return redirect(f"{reverse('authorize')}?{query}")
    if request.method == "POST":
        _ask(request, client.agent, held)
        return redirect("authorize-waiting", handle=handle)
    return _page(request, client, handle, has_asked=_has_asked(request, client.agent))


def _ask(request: TenantRequest, agent: Agent, held: AuthorizationRequest) -> None:
    assert request.member is not None
    if request.POST.get("say") == "answer":
        _answer(request, agent)
        return
    lapsing.ask_to_renew(agent.pk, timezone.now())  # The clock may not have come by since its approval ended.
    admission.ask_about(Agent.objects.get(pk=agent.pk), held.client)  # A question that lapsed is put anew.
    try:
        admission.plead(agent, request.member, request.POST.get("reason", ""), held.shown.get("wants", {}))
    except AlreadyDecided:
        return  # While the person wrote: the page goes on.


def _answer(request: TenantRequest, agent: Agent) -> None:
    assert request.member is not None
    asked = Approval.objects.select_related("agent").filter(agent=agent, status=Approval.Status.WAITING).first()
    if asked is None:
        return  # While the person wrote: the page goes on.
    with suppress(AlreadyDecided, Unusable):  # Nothing was written, or it is answered already: the page says so.
        remarks.answer(asked, by=request.member, words=request.POST.get("reason", ""))


def _held(request: TenantRequest, handle: str) -> AuthorizationRequest:
    mine = AuthorizationRequest.objects.filter(member=request.member, handle=opaque.digest(handle))
    held = mine.filter(expires__gt=timezone.now()).select_related("client").first() if request.member else None
    if held is None:
        raise Http404
    return held


def _has_asked(request: TenantRequest, agent: Agent) -> bool:
    waiting = Approval.objects.filter(agent=agent, status=Approval.Status.WAITING)
    return waiting.filter(pleas__member=request.member).exists()


def _page(request: TenantRequest, client: Client, handle: str, *, has_asked: bool) -> HttpResponse:
    waiting = Approval.objects.select_related("agent").filter(agent=client.agent_id, status=Approval.Status.WAITING)
    asked = waiting.first()
    open_question = remarks.open_question(asked, request.member) if asked and request.member else None
    may_read = asked is not None and request.member is not None and (has_asked or open_question is not None)
    talk = remarks.lines(remarks.of(asked, request.member)) if asked and request.member and may_read else []
    content = {
        "agent_name": client.name,
        "has_changed": asked is not None and asked.kind == Approval.Kind.CHANGE,
        "has_ended": asked is not None and asked.kind == Approval.Kind.RENEWAL,
        "talk": talk,
        "is_asked": open_question is not None,
        "agent_initials": client.agent.initials if client.agent else "?",
        "logo": logos.shown([client]).get(client.pk, ""),
        "client_host": client.host,
        "is_verified": client.is_verified,
        "redirect_host": uris.host_of(client.default_or_first_redirect),
        "has_asked": has_asked,
        "every": EVERY,
        "waiting_url": reverse("authorize-waiting", kwargs={"handle": handle}),
    }
    response = render(request, "oauth/waiting.html", content)
    response.headers["Cache-Control"] = "no-store"
    return response
