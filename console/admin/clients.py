"""One client of an agent: how it proves itself, what it may ask for, and its credentials, which come and go here."""

from typing import Any

from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.utils.translation import gettext, gettext_lazy
from django.views.decorators.http import require_http_methods, require_POST

from agents import clients as verbs
from agents import credentials, owning
from agents.clients import GIVEN
from agents.errors import LastWayIn, NotActive, TooLateForClient, Unusable
from agents.models import Agent, Client
from console.access import for_act, for_admins, for_agent, principal
from console.admin import agent_credentials, client_forms, switch_forms
from console.admin.agent import client_row
from console.admin.client_forms import ClientForm
from console.admin.resources import version_of
from console.attempt import who_was_first
from delegations.sentence import in_words
from kit import forms, strict_json
from kit.oauth import AuthMethod, GrantType, InvalidRedirectUri
from tenants.errors import Stale
from tenants.roles import Act, may
from tokens.endpoints.request import MemberRequest

GRANTS = {
    GrantType.AUTHORIZATION_CODE: gettext_lazy("Ask people on a page"),
    GrantType.DEVICE_CODE: gettext_lazy("Ask people by a code that they type in"),
    GrantType.REFRESH_TOKEN: gettext_lazy("Go on without asking each time"),
    GrantType.CLIENT_CREDENTIALS: gettext_lazy("Act for itself"),
    GrantType.TOKEN_EXCHANGE: gettext_lazy("Work with what other agents hand it"),
    GrantType.JWT_BEARER: gettext_lazy("Bring the word of an issuer you trust"),
}
OVER = gettext_lazy("It is over, or somebody changed it while you read.")
AS_IT_WAS = gettext_lazy("It says all of that already: nothing was changed.")
TOO_LATE = gettext_lazy("It is too late to undo that.")
STALE = 409
ELSEWHERE = {
    Client.RegistrationSource.DCR: gettext_lazy(
        "It registered itself: its name and addresses are changed where it runs, by its registration token."
    ),
    Client.RegistrationSource.CIMD: gettext_lazy(
        "Its name and addresses are what its document says, and are changed there."
    ),
}
"""Where what a client says of itself is changed, where no admin made it."""


@for_agent(Act.AGENTS_READ)
def view(
    request: MemberRequest,
    agent_id: str,
    client_id: str,
    *,
    said: str = "",
    status: int = 200,
    typed: ClientForm | None = None,
) -> HttpResponse:
    client = one(agent_id, client_id)
    agent = client.agent
    alive = client.status == Client.Status.ACTIVE and agent is not None and agent.status != Agent.Status.RETIRED
    may_change, held = request.member.is_admin and alive, credentials.of(client)
    may_turn = alive and agent is not None and owning.may_turn_keys(request.member, agent)
    content = {
        "agent": client.agent,
        "client": client_row(client),
        "redirects": client.redirect_uris,
        "pages": {name: client.metadata.get(name, "") for name in ("client_uri", "logo_uri")},
        "elsewhere": ELSEWHERE.get(client.registration_source, ""),
        "may_say": alive and may(request.member, Act.CLIENTS_WRITE) and client.is_manual,
        "form": client_forms.shown(client, typed, was_changed=typed is not None and status == STALE),
        "version": client.version,
        "put_back": _put_back(client, request),
        "grants": [GRANTS[GrantType(each)] for each in client.grant_types if each in GRANTS],
        "credentials": agent_credentials.rows(held, time_zone=request.tenant.time_zone),
        "may_change": may_change,
        "may_turn_keys": may_turn,
        "adding": agent_credentials.adding(client, held) if may_turn else None,
        "may_add_platform": may_change and client.auth_method == AuthMethod.FEDERATED,
        "givable": [(each.value, GRANTS[each], each in client.given_grants) for each in _givable(client)],
        "switches": switch_forms.shown(client),
        "said": said,
    }
    return render(request, "console/client.html", content, status=status)


@require_POST
@for_act(Act.CLIENTS_WRITE)
def change(request: MemberRequest, agent_id: str, client_id: str) -> HttpResponse:
    """Save what an admin says of a client; where that cannot be, what was typed stands as it was."""
    client, form = one(agent_id, client_id), ClientForm(request.POST)
    if not form.is_valid():
        return view(request, agent_id, client_id, status=422, typed=form)
    try:
        made, _ = verbs.change_client(client, form.cleaned_data, by=principal(request), version=version_of(request))
    except Stale as refusal:
        form.add_error(None, who_was_first(refusal.args[0]))
        return view(request, agent_id, client_id, status=STALE, typed=form)
    except Unusable as refusal:
        if not client.is_manual:
            return _refused(request, client, refusal)
        is_redirect = isinstance(refusal.__cause__, InvalidRedirectUri)
        form.add_error("redirect_uris" if is_redirect else None, str(refusal))
        return view(request, agent_id, client_id, status=422, typed=form)
    except NotActive as refusal:
        return _refused(request, client, refusal)
    is_new = made.version != client.version
    return _shown(client) if is_new else view(request, agent_id, client_id, said=str(AS_IT_WAS))


@require_POST
@for_act(Act.CLIENTS_WRITE)
def put_back(request: MemberRequest, agent_id: str, client_id: str) -> HttpResponse:
    """Take back what this person said of a client last."""
    client = one(agent_id, client_id)
    try:
        verbs.put_back_client(client, by=principal(request), version=version_of(request))
    except Stale as refusal:
        return view(request, agent_id, client_id, said=who_was_first(refusal.args[0]), status=STALE)
    except TooLateForClient:
        return view(request, agent_id, client_id, said=str(TOO_LATE), status=STALE)
    except (Unusable, NotActive) as refusal:
        return _refused(request, client, refusal)
    return _shown(client)


@require_POST
@for_agent(Act.CREDENTIALS_WRITE)
def add_secret(request: MemberRequest, agent_id: str, client_id: str) -> HttpResponse:
    client, days = one(agent_id, client_id), agent_credentials.days_of(request)
    try:
        _, secret = credentials.add_secret(client, by=principal(request), overlap_days=days)
    except (Unusable, NotActive) as refusal:
        return _refused(request, client, refusal)
    content = {"agent": client.agent, "client": client_row(client), "secret": secret}
    content["stays"] = agent_credentials.stays(days)
    return render(request, "console/secret.html", content)


@require_http_methods(["GET", "HEAD", "POST"])
@for_agent(Act.CREDENTIALS_WRITE)
def add_key(request: MemberRequest, agent_id: str, client_id: str) -> HttpResponse:
    client, said = one(agent_id, client_id), ""
    if request.method == "POST":
        try:
            raw = request.POST.get("jwk", "").encode()
            key, days = strict_json.parse_object(raw, limit=forms.MAX_BODY), agent_credentials.days_of(request)
            credentials.add_key(client, key, by=principal(request), overlap_days=days)
            return _shown(client)
        except ValueError:
            said = gettext("This is no JSON object.")
        except (Unusable, NotActive) as refusal:
            said = str(refusal) if isinstance(refusal, Unusable) else str(OVER)
    # What was pasted is not shown again: it may have been a private key.
    content: dict[str, Any] = {"agent": client.agent, "client": client_row(client), "said": said}
    content["offered"] = agent_credentials.offered(credentials.of(client), "key")
    return render(request, "console/key_add.html", content, status=422 if said else 200)


@require_http_methods(["GET", "HEAD", "POST"])
@for_agent(Act.CREDENTIALS_WRITE)
def retire(request: MemberRequest, agent_id: str, client_id: str, credential_id: str) -> HttpResponse:
    client = one(agent_id, client_id)
    known = credentials.of(client)
    credential = next((each for each in known if each.id == credential_id), None)
    if credential is None:
        return _shown(client)
    is_last = credential.is_usable and sum(each.is_usable for each in known) == 1
    if request.method == "POST":
        meant = request.POST.get("even_if_last") == "yes"
        try:
            credentials.retire(client, credential_id, by=principal(request), even_if_last=meant)
            return _shown(client)
        except LastWayIn:
            is_last = True
        except (Unusable, NotActive) as refusal:
            return _refused(request, client, refusal)
    content: dict[str, Any] = {"agent": client.agent, "client": client_row(client), "credential": credential}
    status = 409 if request.method == "POST" else 200
    return render(request, "console/credential_retire.html", {**content, "is_last": is_last}, status=status)


@require_POST
@for_admins
def give_grants(request: MemberRequest, agent_id: str, client_id: str) -> HttpResponse:
    client = one(agent_id, client_id)
    try:
        verbs.give_grants(client, request.POST.getlist("grant"), by=principal(request))
    except (Unusable, NotActive) as refusal:
        return _refused(request, client, refusal)
    return _shown(client)


def one(agent_id: str, client_id: str) -> Client:
    return get_object_or_404(Client.objects.select_related("agent"), pk=client_id, agent=agent_id)


def _put_back(client: Client, request: MemberRequest) -> str:
    """Return when this person changed what it says, as long as they may take that back."""
    now, at = timezone.now(), verbs.edited_at(client)
    is_theirs = may(request.member, Act.CLIENTS_WRITE) and verbs.may_put_back(client, by=request.member.pk, now=now)
    return in_words(at, now=now, time_zone=request.tenant.time_zone) if is_theirs and at else ""


def _givable(client: Client) -> list[GrantType]:
    own = set(client.grant_types) - set(client.given_grants)
    return [] if client.is_public else [each for each in GIVEN if each not in own]


def _shown(client: Client) -> HttpResponse:
    return redirect("console-client", client.agent_id, client.pk)


def _refused(request: MemberRequest, client: Client, refusal: Exception) -> HttpResponse:
    said = str(refusal) if isinstance(refusal, Unusable) else str(OVER)
    return view(request, client.agent_id, client.pk, said=said, status=422)
