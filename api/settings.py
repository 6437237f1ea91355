"""A tenant's settings: what they are, changing them, and who changed what when."""

from typing import Any

from django.http import HttpResponse
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from api import versions
from api.authentication import tenant_of
from api.door import Door, said
from api.events import EventSerializer
from api.fresh import check_fresh
from api.keepers import by, member_of
from api.listing import Listing
from api.narrowing import asks_for, check_words
from audit.events import Event
from audit.models import Entry
from kit import client_ids
from tenants import actions
from tenants.models import CHOICES, Tenant
from tenants.roles import Act, may
from tokens import stops
from tokens.bearer import Bearer
from trust import configuration

READ, WRITE = "settings:read", "settings:write"


class SettingsSerializer(serializers.ModelSerializer[Tenant]):
    """`fixed` are those that whoever runs the installation fixed: changing one of them is a conflict."""

    fixed = serializers.ListField(child=serializers.CharField(), read_only=True)
    admitted_hosts = serializers.ListField(
        child=serializers.CharField(max_length=client_ids.LONGEST),
        max_length=200,
        required=False,
        help_text="Hosts, and whole https addresses of documents, whose agents need no approval by such a policy.",
    )
    trusted_networks = serializers.ListField(child=serializers.CharField(max_length=50), max_length=200, required=False)

    consent_choices = serializers.ListField(
        child=serializers.ChoiceField(CHOICES), max_length=len(CHOICES), required=False
    )

    class Meta:
        model = Tenant
        fields = ["fixed", *sorted(actions.POLICY)]


class Settings(Door):
    """With `dry_run=true` nothing is changed, and the answer says whose access would end earlier."""

    http_method_names = ["get", "patch", "head", "options"]
    scopes = {"GET": READ, "PATCH": WRITE}
    acts = {"GET": Act.SETTINGS_READ, "PATCH": Act.SETTINGS_WRITE}
    answers = {"GET": SettingsSerializer, "PATCH": SettingsSerializer}
    reads = {"PATCH": SettingsSerializer}

    def get(self, request: Request) -> Response:
        return self._answer(Tenant.objects.get(pk=tenant_of(request).pk))

    def patch(self, request: Request) -> Response:
        tenant = tenant_of(request)
        sent = dict(request.data)
        if sent.get("fixed") == Tenant.objects.get(pk=tenant.pk).fixed:
            del sent["fixed"]  # Whoever sends back what they read changes nothing of it.
        if unknown := set(sent) - actions.POLICY:
            raise serializers.ValidationError({name: ["There is no such setting."] for name in sorted(unknown)})
        check_words(request, frozenset({"dry_run"}))
        asked = said(SettingsSerializer(tenant, data=sent, partial=True))
        if asks_for(request, "dry_run"):
            return Response({"dry_run": True, **stops.foresee_policy(tenant, **asked).as_json()})
        version = versions.read_by(request)
        return self._answer(stops.change_policy(tenant, by=by(request), version=version, **asked))

    def _answer(self, tenant: Tenant) -> Response:
        content: dict[str, Any] = dict(SettingsSerializer(tenant).data)
        return Response(content, headers=versions.tag(tenant.version))


class Pausing(serializers.Serializer[Any]):
    """`name` is the tenant's, as a proof that it is this one."""

    name = serializers.CharField(max_length=100)
    reason = serializers.CharField(max_length=500)


class Paused(serializers.Serializer[Any]):
    """`links.console` is where an admin resumes it: the API is not there until then."""

    status = serializers.CharField()
    links = serializers.DictField(child=serializers.CharField())


class Pause(Door):
    """Issue nothing and accept nothing any more, this token among it, until an admin resumes the tenant on its page."""

    http_method_names = ["post", "options"]
    scopes = {"POST": "tenant:pause"}
    acts = {"POST": Act.TENANT_PAUSE}
    reads = {"POST": Pausing}
    answers = {"POST": Paused}

    def post(self, request: Request) -> Response:
        words, tenant = said(Pausing(data=request.data)), tenant_of(request)
        check_fresh(request)
        stops.pause_tenant(tenant, by=by(request), **words)
        return Response({"status": Tenant.Status.PAUSED.value, "links": {"console": f"{tenant.issuer}/"}})


class Export(Door):
    """Settings, resources with their scopes, and trust as YAML; a part that the token may not read is left out, and
    named in `left_out`. No key and no secret is in it.
    """

    http_method_names = ["get", "head", "options"]
    scopes = {"GET": READ}
    acts = {"GET": Act.SETTINGS_READ}

    def get(self, request: Request) -> HttpResponse:
        bearer, member = request.auth, member_of(request)
        scopes = bearer.scopes if isinstance(bearer, Bearer) else frozenset()
        acts = {act for act, _ in configuration.PARTS.values() if act.value in scopes and may(member, act)}
        text = configuration.export(Tenant.objects.get(pk=tenant_of(request).pk), acts, by=by(request))
        name = f'attachment; filename="{tenant_of(request).slug}.yaml"'
        headers = {"Content-Disposition": name, "Cache-Control": "no-store"}
        return HttpResponse(text, content_type=configuration.TYPE, headers=headers)


class History(Door):
    """Each change with what it was and what it became, newest first."""

    http_method_names = ["get", "head", "options"]
    scopes = {"GET": READ}
    acts = {"GET": Act.SETTINGS_READ}
    listing = Listing("changes", EventSerializer)
    answers = {"GET": listing}

    def get(self, request: Request) -> Response:
        mine = Entry.objects.filter(about_kind="tenant", about_id=tenant_of(request).pk)
        return self.listing.answer(request, mine.filter(event=Event.TENANT_POLICY_CHANGED))
