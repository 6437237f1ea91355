"""Every address that the product answers, from its own URL maps, and what stands in each of their places."""

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from django.urls import URLPattern
from django.urls.converters import IntConverter

from agents.models import Approval, AssertionRule, Client, Handover, NameElsewhere, RegistrationToken
from api import urls as api_urls
from audit.models import Entry
from delegations.models import Delegation
from kit import context
from notices.models import Delivery, Job, Webhook
from remit import tenant_urls
from tenants.invitation import Invitation
from tenants.models import Membership, ResourceServer, SavedView, SignIn
from tests.harness.world import World
from tokens.models import AccessToken, RefreshToken, SigningKey
from trust.models import Audience, SubjectLink, TrustedIssuer

_PLACE = re.compile(r"<(?:\w+:)?(\w+)>")


@dataclass(frozen=True)
class Kind:
    """What an id in an address is of: one of them in the current tenant, and one that nobody has."""

    one: Callable[[], Any]
    none: str


def _of(model: Any, prefix: str, **only: Any) -> Kind:
    return Kind(lambda: model.objects.filter(**only).order_by("pk").first().pk, f"{prefix}_{'0' * 26}")


def _client() -> Client:
    return Client.objects.filter(agent__isnull=False).order_by("pk").first()


@dataclass(frozen=True)
class NoObject:
    """What stands in an address and is the id of no object of a tenant; `why` says what it is."""

    why: str


KINDS: Mapping[str, Kind | NoObject] = {
    # By the part of the path before it and its own name.
    "delegations/delegation_id": _of(Delegation, "dlg"),
    "agents/delegation_id": _of(Delegation, "dlg"),
    "installations/installation_id": _of(RefreshToken, "rtf"),
    "tokens/token_id": _of(AccessToken, "tok"),
    "approvals/approval_id": _of(Approval, "apr"),
    "questions/approval_id": _of(Approval, "apr"),
    "agents/agent_id": Kind(lambda: _client().agent_id, f"agt_{'0' * 26}"),
    "handovers/to_agent_id": Kind(lambda: Handover.objects.get().to_agent_id, f"agt_{'0' * 26}"),
    "clients/client_id": Kind(lambda: _client().pk, f"cli_{'0' * 26}"),
    "credentials/credential_id": NoObject("a name inside a client, which is looked up below it"),
    "registration-tokens/token_id": _of(RegistrationToken, "itk"),
    "issuers/issuer_id": _of(TrustedIssuer, "iss"),
    "links/link_id": _of(SubjectLink, "lnk"),
    "audiences/audience_id": _of(Audience, "aud"),
    "names/client_id": Kind(lambda: NameElsewhere.objects.select_related("client").first().client.client_id, "nobody"),
    "rules/rule_id": _of(AssertionRule, "rul"),
    "resources/resource_id": _of(ResourceServer, "res"),
    "downstream/to_id": _of(ResourceServer, "res"),
    "scopes/name": NoObject("a word, which is looked up below its resource server"),
    "members/member_id": _of(Membership, "usr"),
    "invitations/invitation_id": _of(Invitation, "inv"),
    "views/view_id": _of(SavedView, "viw"),
    "sign-ins/sign_in_id": _of(SignIn, "sgn"),
    "events/event_id": _of(Entry, "evt"),
    "events/entry_id": _of(Entry, "evt", event="token.refused"),
    "why/entry_id": _of(Entry, "evt", event="token.refused"),
    "places/installation_id": _of(RefreshToken, "rtf"),
    "jobs/job_id": _of(Job, "job"),
    "webhooks/webhook_id": _of(Webhook, "whk"),
    "deliveries/delivery_id": _of(Delivery, "dlv"),
    "keys/key_id": _of(SigningKey, "key"),
    "events/form": NoObject("the form of a file"),
    "delegations/form": NoObject("the form of a file"),
    "activity/form": NoObject("the form of a file"),
    "export/form": NoObject("the form of a file"),
    "file/form": NoObject("the form of a file"),
    "invitation/secret": NoObject("a secret of 256 bits, whose digest is looked up in the tenant"),
    "deferred/address": NoObject("a secret of 256 bits, whose digest is looked up in the tenant"),
    "errors/code": NoObject("a word of the protocol"),
    "waiting/handle": NoObject("a secret of 256 bits, whose digest is looked up in the tenant"),
    "passkeys/pk": NoObject("a factor of the person who is signed in, whichever tenant they are in"),
}


@dataclass(frozen=True)
class Address:
    """One pattern: its route, the ids in it, and what answers."""

    route: str
    places: tuple[str, ...]
    view: Any

    def filled(self, ids: Mapping[str, Any]) -> str:
        """Return the path with an id in each place."""
        found = iter(self.places)
        return "/" + _PLACE.sub(lambda _: str(ids[next(found)]), self.route)


def api() -> list[Address]:
    return list(_walk(api_urls.urlpatterns))


def pages() -> list[Address]:
    return list(_walk(tenant_urls.urlpatterns))


def ids_in(world: World) -> dict[str, Any]:
    """Return one id of each kind that the tenant has."""
    with context.use(world.tenant):
        return {name: kind.one() for name, kind in KINDS.items() if isinstance(kind, Kind)}


def methods(address: Address) -> list[str]:
    """Return what a view of the API answers, besides HEAD and OPTIONS."""
    made = address.view.view_class
    known = [name.upper() for name in made.http_method_names if hasattr(made, name)]
    return [name for name in known if name not in {"HEAD", "OPTIONS"}]


def _walk(patterns: list[URLPattern]) -> Iterator[Address]:
    for each in patterns:
        route = str(each.pattern)
        assert not any(isinstance(c, IntConverter) for c in each.pattern.converters.values()) or "passkeys" in route
        names = _PLACE.findall(route)
        steps = _PLACE.split(route)[::2]
        places = tuple(f"{_before(steps[number])}/{name}" for number, name in enumerate(names))
        yield Address(route, places, each.callback)


def _before(text: str) -> str:
    """Return the last word of the path before an id."""
    return re.split(r"[/.]", text.rstrip("/."))[-1] if "." not in text else text.rstrip(".").split("/")[-2]
