"""`/authorize` (RFC 6749 §4.1.1, RFC 7636, RFC 8707, RFC 9207, OpenID Connect Core §3.1.2).

The toolkit judges response type and PKCE; `tokens.asking` understands scope and resource. Until client and redirect
URI are known to belong together, every refusal is a page; after that it is a redirect with `iss`. What was validated
is held on the server: the consent form carries a handle and the person's choices, nothing else.
"""

from typing import Any

from csp.decorators import csp_replace
from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import render, resolve_url
from django.utils import timezone
from django.utils.decorators import method_decorator
from django.utils.http import urlencode
from django.views import View
from oauth2_provider.exceptions import FatalClientError, OAuthToolkitError
from oauth2_provider.views.mixins import OAuthLibMixin

from agents import admission
from agents.models import Agent, Approval, Client
from agents.registration import document as clients
from audit.principals import Kind, Principal
from delegations.errors import AlreadyDecided
from kit import forms, opaque
from kit.fetch import Unfetchable
from kit.oauth import (
    AccessDenied,
    ConsentRequired,
    InvalidRequest,
    LoginRequired,
    OAuthError,
    RequestNotSupported,
    RequestUriNotSupported,
    UnauthorizedClient,
    UnsupportedResponseType,
)
from tenants.models import Membership
from tokens import actions
from tokens.asking import Asked, understand
from tokens.endpoints import consent_page, freshness, problem_page, returning, waiting_page
from tokens.endpoints.problem_page import Problem, Unanswerable
from tokens.endpoints.request import TenantRequest
from tokens.models import AuthorizationRequest

HANDLES = "authorization_requests"
DECIDED = "decided_requests"
MAX_QUERY = 16 * 1024
_OF_TOOLKIT = {UnauthorizedClient.code: UnauthorizedClient}


# No form-action on this page: the chain of redirects after the POST ends at the client, and Chromium would cut it.
@method_decorator(csp_replace({"form-action": None}), name="dispatch")
class AuthorizeView(OAuthLibMixin, View):
    """Asks the person, or answers from what they allowed before."""

    http_method_names = ["get", "post"]

    def dispatch(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        try:
            response = super().dispatch(request, *args, **kwargs)
        except Unanswerable as refusal:
            response = problem_page.answer(request, refusal.problem)  # type: ignore[arg-type]  # It is a tenant's page.
        response.headers["Cache-Control"] = "no-store"
        return response

    def get(self, request: TenantRequest) -> HttpResponse:
        form = _read(request.META.get("QUERY_STRING", ""))
        client, redirect_uri = _check_client(form)
        try:
            self._judge_protocol(request, form)
            return _ask(request, understand(request.tenant, client, redirect_uri, form))
        except OAuthError as refusal:
            return returning.with_error(request, client, redirect_uri, form, refusal)

    def post(self, request: TenantRequest) -> HttpResponse:
        held = _held(request)
        if held.decided_at is not None:
            return render(request, "oauth/decided.html", status=409)
        now = timezone.now()
        if held.expires <= now:
            raise Unanswerable(problem_page.expired())
        form = {name: tuple(values) for name, values in held.parameters.items()}
        client, redirect_uri = _check_client(form)
        if client.agent is not None and (client.agent.status != Agent.Status.ACTIVE or client.agent.waits(now)):
            raise Unanswerable(problem_page.paused(client.agent))
        if client.agent is not None and not client.agent.may_act_for(held.member):
            raise Unanswerable(problem_page.for_others(client.agent))
        try:
            return _decide(request, held, understand(request.tenant, client, redirect_uri, form))
        except AlreadyDecided:
            return render(request, "oauth/decided.html", status=409)
        except OAuthError as refusal:
            return returning.with_error(request, client, redirect_uri, form, refusal)

    def _judge_protocol(self, request: TenantRequest, form: forms.Form) -> None:
        """Let the toolkit judge response type and PKCE; raises OAuthError for what may be redirected."""
        if "request" in form:
            raise RequestNotSupported
        if "request_uri" in form:
            raise RequestUriNotSupported
        if form.get("response_mode", ("query",)) != ("query",):
            raise InvalidRequest("response_mode")
        # The toolkit takes a type that it does not know for `code` by a client that may not use it.
        if form.get("response_type", ("code",)) != ("code",):
            raise UnsupportedResponseType
        try:
            self.validate_authorization_request(request)
        except FatalClientError as error:
            raise Unanswerable(problem_page.malformed(str(error.oauthlib_error))) from error
        except OAuthToolkitError as error:
            code = error.oauthlib_error.error
            raise _OF_TOOLKIT.get(code, InvalidRequest)(f"{code}: {error.oauthlib_error.description}") from error


def _ask(request: TenantRequest, asked: Asked) -> HttpResponse:
    """Sign the person in, answer from what they allowed before, or show the page."""
    if request.member is None or freshness.is_stale(request, asked):
        if "none" in asked.prompts:
            raise LoginRequired
        return freshness.sign_in(request)
    if waiting_page.is_waiting(asked):
        if "none" in asked.prompts:
            raise ConsentRequired
        return waiting_page.open_for(request, asked)
    if agent := _for_others_alone(asked, request.member):
        if "none" in asked.prompts:
            raise AccessDenied("the agent was approved for other people")
        raise Unanswerable(problem_page.for_others(agent))
    if asked.code_challenge in request.session.get(DECIDED, []):
        # The back button: no-store makes the browser ask again, for a request that has had its answer.
        return render(request, "oauth/decided.html", status=409)
    now = timezone.now()
    known = actions.remembered(asked, request.member, now=now)
    if known is not None and not asked.prompts & {"consent", "select_account"}:
        moment = freshness.signed_in_at(request)
        return returning.with_code(
            request, asked, actions.allow_remembered(asked, request.member, known, signed_in_at=moment)
        )
    if "none" in asked.prompts:
        raise ConsentRequired
    page = consent_page.build(request.tenant, request.member, asked, now=now)
    handle = actions.hold_request(asked, member=request.member, shown=page.as_shown(), now=now)
    request.session[HANDLES] = [*request.session.get(HANDLES, [])[-9:], opaque.digest(handle)]
    switch = f"{resolve_url('account_logout')}?{urlencode({'next': request.get_full_path()})}"
    return render(request, "oauth/consent.html", {"page": page.with_handle(handle), "switch_account_url": switch})


def _for_others_alone(asked: Asked, member: Membership) -> Agent | None:
    """Return the agent that asks, where it was approved for other people than this one."""
    agent = asked.client.agent
    return agent if agent is not None and not agent.may_act_for(member) else None


def _decide(request: TenantRequest, held: AuthorizationRequest, asked: Asked) -> HttpResponse:
    by = Principal(Kind.USER, held.member.pk, held.member.name)
    # A challenge belongs to one request (RFC 7636 §4.1), so it names the decision.
    request.session[DECIDED] = [*request.session.get(DECIDED, [])[-9:], asked.code_challenge]
    agreement = consent_page.agreement(request, held.shown, asked, held.member)
    if agreement is None:
        actions.refuse(held, by=by)
        raise AccessDenied("the person said no")
    moment = freshness.signed_in_at(request)
    return returning.with_code(request, asked, actions.allow(held, asked, agreement, by=by, signed_in_at=moment))


def _read(query: str) -> forms.Form:
    try:
        if len(query) > MAX_QUERY:
            raise InvalidRequest("query")
        return forms.parse(query.encode("latin-1"))
    except OAuthError as refusal:
        raise Unanswerable(problem_page.malformed(refusal.reason)) from refusal


def _check_client(form: forms.Form) -> tuple[Client, str]:
    """Return the client and the redirect URI, once they are known to belong together."""
    client = check_client(form.get("client_id", ("",))[0])
    sent = form.get("redirect_uri", ("",))[0]
    if not sent and len(client.redirect_uris) == 1:
        return client, client.default_or_first_redirect
    if not client.redirect_uri_allowed(sent):
        raise Unanswerable(problem_page.unknown_redirect(sent, client))
    return client, sent


def check_client(client_id: str) -> Client:
    """Return the client behind an id, as it is now, where it may ask people; raises Unanswerable."""
    try:
        client = clients.client(client_id, must_be_fresh=True) if client_id else None
    except (Unfetchable, OAuthError) as error:
        is_there = isinstance(error, OAuthError)
        raise Unanswerable(problem_page.unreachable_document(client_id, str(error), is_there=is_there)) from error
    if client is None or client.status != Client.Status.ACTIVE:
        raise Unanswerable(problem_page.unknown_client(client_id, client))
    if client.agent is not None and client.agent.status not in {Agent.Status.ACTIVE, Agent.Status.PENDING}:
        raise Unanswerable(_stopped(client.agent))
    return client


def _stopped(agent: Agent) -> Problem:
    if agent.status != Agent.Status.DENIED:
        return problem_page.paused(agent)
    decided = agent.approvals.filter(status=Approval.Status.DENIED).order_by("-decided_at").first()
    return problem_page.denied(agent, admission.reason_words(decided.reason) if decided else "")


def _held(request: TenantRequest) -> AuthorizationRequest:
    """Return the request that this browser was shown, for the member who is signed in."""
    handle = opaque.digest(request.POST.get("handle", ""))
    if request.member is None or handle not in request.session.get(HANDLES, []):
        raise Unanswerable(problem_page.expired())
    mine = AuthorizationRequest.objects.select_related("member__user").filter(member=request.member)
    held = mine.filter(handle=handle).first()
    if held is None:
        raise Unanswerable(problem_page.expired())
    return held
