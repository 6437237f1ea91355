"""The lists that are files only while they are sent: short ones, and those that are others a minute later."""

from collections.abc import Mapping

import django_filters
from django.db.models import Model, QuerySet
from django.utils import timezone
from django_filters.filterset import filterset_factory

from agents.models import RegistrationToken
from audit import export
from audit.events import Event
from audit.models import Entry
from notices.lists import List, columns_of
from notices.models import Delivery, Job, Webhook
from notices.webhooks.filters import DeliveryFilter
from tenants.filters import InvitationFilter
from tenants.invitation import Invitation
from tenants.roles import Act
from tokens import living
from tokens.filters import KeyFilter, TokenFilter
from tokens.models import SigningKey

_KEY = ("id", "kid", "algorithm", "status", "public", "created_at", "activate_at", "retire_at", "destroy_at")
_JOB = (
    "id", "kind", "state", "noun", "selection", "reason", "form", "asked_by", "of", "total", "done", "failed", "noted",
    "created_at", "finished_at", "retry_at",
)  # fmt: skip
_WEBHOOK = (
    "id", "url", "description", "events", "is_on", "failures", "failing_since", "old_secret_until", "created_at",
)  # fmt: skip
_DELIVERY = ("id", "webhook", "event_id", "event", "state", "attempts", "tries", "next_try_at", "created_at")
_INVITATION = ("id", "email", "role", "invited_by", "created_at", "expires_at", "accepted_at", "withdrawn_at")
_REGISTRATION = ("id", "name", "uses", "uses_left", "expires_at", "revoked_at", "made_by", "created_at")
_TOKEN = (
    "jti", "agent", "subject", "resource", "scopes", "client_id", "delegation", "depth", "exchanged_from", "issued_at",
    "expires_at",
)  # fmt: skip
_IDS = ("asked_by", "of", "webhook", "invited_by", "made_by")
_token = columns_of(
    *_TOKEN,
    jti="pk",
    agent="delegation.agent_id",
    resource="audience",
    client_id="client.client_id",
    delegation="delegation_id",
    depth="delegation.depth",
    exchanged_from="parent_id",
    issued_at="created",
    expires_at="expires",
)


def _anything(model: type[Model]) -> type[django_filters.FilterSet]:
    """Return the filter of a list that no word narrows."""
    made: type[django_filters.FilterSet] = filterset_factory(model, fields=[])
    return made


def _list(model: type[Model], written: tuple[str, ...], act: Act, by: type[django_filters.FilterSet]) -> List:
    ways: dict[str, str] = {name: f"{name}_id" for name in _IDS if name in written}
    ways |= {"event_id": "entry_id"} if "event_id" in written else {}
    rows = model._default_manager.all
    return List(by, lambda: rows(), lambda: rows(), written, columns_of(*written, **ways), act)


SHORT: Mapping[str, List] = {
    "keys": _list(SigningKey, _KEY, Act.KEYS_READ, KeyFilter),
    "jobs": _list(Job, _JOB, Act.JOBS_READ, _anything(Job)),
    "webhooks": _list(Webhook, _WEBHOOK, Act.WEBHOOKS_READ, _anything(Webhook)),
    "deliveries": _list(Delivery, _DELIVERY, Act.WEBHOOKS_READ, DeliveryFilter),
    "invitations": _list(Invitation, _INVITATION, Act.MEMBERS_READ, InvitationFilter),
    "registration-tokens": _list(
        RegistrationToken, _REGISTRATION, Act.REGISTRATION_READ, _anything(RegistrationToken)
    ),
    "settings-history": List(
        _anything(Entry), lambda: _changes(), lambda: _changes(), export.COLUMNS, export.written, Act.SETTINGS_READ
    ),
    "tokens": List(
        TokenFilter, lambda: living.good(now=timezone.now()), lambda: living.good(now=timezone.now()), _TOKEN,
        lambda token: {**_token(token), "scopes": living.left_of(token)}, Act.AGENTS_READ,
    ),
}  # fmt: skip


def _changes() -> QuerySet[Entry]:
    return Entry.objects.filter(about_kind="tenant", event=Event.TENANT_POLICY_CHANGED)
