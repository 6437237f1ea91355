"""Delegations for people: what they may see, its signed record, the end of one, and taking that back.

The pages' own actions, for whomever the pages let: their own, and everybody's for those who may end it.
"""

from typing import TYPE_CHECKING, Any

from django.db import transaction
from django.db.models import QuerySet
from django.http import Http404, StreamingHttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import get_object_or_404
from django.utils import timezone
from rest_framework import serializers, status
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from api import versions
from api.authentication import tenant_of
from api.door import Door, said
from api.errors import UnreadableQuery
from api.keepers import ForReaders, by, member_of, speaks_for
from api.listing import Listing
from api.narrowing import check_words, narrowed
from api.permissions import HoldsScope
from audit.ledger import record
from delegations import actions as delegation_actions
from delegations import groups, renewing
from delegations.filters import DelegationFilter
from delegations.groups import By
from delegations.models import Delegation
from delegations.sentence import sentence
from notices import exporting, lists, streams
from tenants.directory import current
from tenants.models import Membership
from tenants.roles import Act
from tokens import actions, impact, records
from tokens.bearer import Bearer

if TYPE_CHECKING:
    from tokens.impact import UsedDelegation

OVERSEE, REVOKE, ASK = "delegations:oversee", "delegations:revoke", "delegations:ask"


class ForHolders(HoldsScope):
    """The token holds the scope that the view names, or `delegations:oversee` and speaks for a person."""

    def has_permission(self, request: Request, view: APIView) -> bool:
        return super().has_permission(request, view) or overseer(request) is not None


class SeenSerializer(serializers.ModelSerializer[Delegation]):
    """The sentence, as members and in words. An agent that asks for itself gets no more than is always there."""

    resource = serializers.CharField(source="audience")
    sentence = serializers.SerializerMethodField()
    summary = serializers.SerializerMethodField()
    agent = serializers.CharField(source="agent_id", allow_null=True, required=False)
    agent_name = serializers.SerializerMethodField()
    person = serializers.SerializerMethodField()
    client_id = serializers.CharField(source="client.client_id", required=False)
    # `parent` is a word of the framework's own, too.
    parent = serializers.CharField(source="parent_id", allow_null=True, required=False)  # type: ignore[assignment]
    last_used_at = serializers.DateTimeField(allow_null=True, required=False)
    uses = serializers.IntegerField(required=False)
    links = serializers.SerializerMethodField()

    class Meta:
        model = Delegation
        fields = [
            "id", "subject", "resource", "scopes", "expires_at", "created_at", "sentence", "summary", "person", "agent",
            "agent_name", "client_id", "origin", "parent", "depth", "narrowed_at", "ended_at", "ended_by",
            "ended_reason", "last_used_at", "uses", "links",
        ]  # fmt: skip

    def get_sentence(self, delegation: Delegation) -> str:
        return sentence(delegation, now=timezone.now())

    def get_summary(self, delegation: Delegation) -> str:
        return sentence(delegation, now=timezone.now())

    def get_agent_name(self, delegation: Delegation) -> str:
        return delegation.agent.name if delegation.agent else delegation.client.name

    def get_person(self, delegation: Delegation) -> str:
        return str(delegation.member) if delegation.member else ""

    def get_links(self, delegation: Delegation) -> dict[str, str]:
        return _links(delegation)


class Why(serializers.Serializer[Any]):
    """Of others', whoever ends it says why; of their own people need not."""

    reason = serializers.CharField(max_length=500, required=False, allow_blank=True, default="")


class Left(serializers.Serializer[Any]):
    resource = serializers.CharField()
    checks = serializers.CharField()
    tokens = serializers.IntegerField()
    accepted_until = serializers.DateTimeField(required=False)


class DelegationEnd(serializers.Serializer[Any]):
    """The receipt: what ended, and which tokens live on where until when."""

    delegation = serializers.CharField()
    ended_at = serializers.DateTimeField()
    delegations_ended = serializers.IntegerField()
    token_families_ended = serializers.IntegerField()
    tokens = Left(many=True)
    time_to_zero = serializers.IntegerField()
    summary = serializers.CharField()
    links = serializers.DictField(child=serializers.CharField())


class Signed(serializers.Serializer[Any]):
    """What is known of a delegation, and the same signed by the tenant (RFC 7515, compact)."""

    record = serializers.DictField()
    jws = serializers.CharField()
    summary = serializers.CharField()
    links = serializers.DictField(child=serializers.CharField())


class _OnOne(Door):
    """Something that a person does to a delegation: to their own, or to anybody's where they may end it."""

    http_method_names = ["post", "options"]
    permission_classes = [ForReaders]
    scopes = {"POST": REVOKE}

    def found(self, request: Request, delegation_id: str) -> Delegation:
        check_words(request, frozenset())
        mine = Delegation.objects.narrowed_by(member_of(request)).with_names()
        return get_object_or_404(mine, pk=delegation_id)


class End(_OnOne):
    """End one, and all that was handed on of it: what the buttons of the pages do."""

    reads = {"POST": Why}
    answers = {"POST": DelegationEnd}

    def post(self, request: Request, delegation_id: str) -> Response:
        found, reason = self.found(request, delegation_id), said(Why(data=request.data))["reason"].strip()
        if not reason and found.subject != member_of(request).pk:
            raise serializers.ValidationError({"reason": ["Say why: whoever it speaks for reads it."]})
        receipt = actions.end_delegation(found, by=by(request), reason=reason or actions.BY_THE_PERSON)
        found.refresh_from_db(fields=["ended_at", "version"])
        return Response({**receipt.as_json(), **_words(found)}, headers=versions.tag(found.version))


class Restore(_OnOne):
    """Take an end back within ten minutes, whoever ended it: one anew, with the same limits, and no token of before."""

    answers = {"POST": SeenSerializer}
    made = True

    def post(self, request: Request, delegation_id: str) -> Response:
        made = delegation_actions.undo(self.found(request, delegation_id), by=by(request))
        answered = answer(seen_by(member_of(request)).get(pk=made.pk))
        answered.status_code = status.HTTP_201_CREATED
        answered["Location"] = f"{tenant_of(request).issuer}/api/v1/delegations/{made.pk}"
        return answered


class AskedSerializer(serializers.Serializer[Any]):
    delegation = serializers.CharField()
    asked_at = serializers.DateTimeField()


class AskToRenew(Door):
    """Ask the person to renew it, by a mail that leads to their page; once a day at most. Nothing of it changes."""

    http_method_names = ["post", "options"]
    scopes = {"POST": ASK}
    acts = {"POST": Act.DELEGATIONS_END}
    answers = {"POST": AskedSerializer}

    def post(self, request: Request, delegation_id: str) -> Response:
        found = get_object_or_404(Delegation.objects.visible_to(member_of(request)), pk=delegation_id)
        at = renewing.ask(found, by=by(request))
        return Response(AskedSerializer({"delegation": found.pk, "asked_at": at}).data)


class Receipt(Door):
    """The signed record of a delegation, for an auditor and for the person it speaks for."""

    http_method_names = ["get", "head", "options"]
    permission_classes = [ForReaders]
    scopes = {"GET": OVERSEE}
    answers = {"GET": Signed}

    def get(self, request: Request, delegation_id: str) -> Response:
        found = get_object_or_404(seen_by(member_of(request)).select_related("consent"), pk=delegation_id)
        document = records.signed(found, tenant_of(request), now=timezone.now())
        return Response({**document, **_words(found)})


class Export(Door):
    """The same words as the list takes; CSV or JSON, for whoever looks after everybody's agents."""

    http_method_names = ["get", "head", "options"]
    noun = lists.DELEGATIONS
    scopes = {"GET": OVERSEE}
    acts = {"GET": Act.AGENTS_READ}

    def get(self, request: Request, form: str) -> HttpResponseBase:
        if form not in exporting.TYPES:
            raise Http404
        visible, tenant = Delegation.objects.visible_to(member_of(request)), tenant_of(request)
        rows, which = narrowed(request, visible, DelegationFilter, besides=frozenset()), lists.REGISTRY[self.noun]
        asked: dict[str, str | int] = {"filter": request._request.GET.urlencode(), "form": form}
        with transaction.atomic():
            record(which.event, by=by(request), about=tenant, detail={**asked, "rows": rows.order_by().count()})
        lines = streams.pieces(tenant, which, _dressed(rows), form)
        name = f'attachment; filename="{self.noun}-{tenant.slug}.{form}"'
        headers = {"Content-Disposition": name, "Cache-Control": "no-store"}
        return StreamingHttpResponse(lines, content_type=exporting.TYPES[form], headers=headers)


class GroupSerializer(serializers.Serializer[Any]):
    id = serializers.CharField(allow_blank=True)
    name = serializers.CharField(allow_blank=True)
    delegations = serializers.IntegerField()
    people = serializers.IntegerField()
    agents = serializers.IntegerField()
    resources = serializers.IntegerField()


class GroupsSerializer(serializers.Serializer[Any]):
    """The hundred groups with most in them, and how many there are; without an id: an agent that acts for itself."""

    by = serializers.ChoiceField(list(By))
    groups = GroupSerializer(many=True)
    count = serializers.IntegerField()


class Groups(Door):
    """The list by agent, person or resource (`by`), narrowed by the same words."""

    http_method_names = ["get", "head", "options"]
    permission_classes = [ForReaders]
    scopes = {"GET": OVERSEE}
    answers = {"GET": GroupsSerializer}

    def get(self, request: Request) -> Response:
        word = request.query_params.get("by", "")
        if word not in list(By):
            raise UnreadableQuery(f"by is one of {', '.join(By)}.")
        visible = Delegation.objects.visible_to(member_of(request))
        rows = narrowed(request, visible, DelegationFilter, besides=frozenset({"by"}))
        found, number = groups.of(rows, By(word))
        return Response({"by": word, "groups": [each.as_json() for each in found], "count": number})


LISTING = Listing("delegations", SeenSerializer, DelegationFilter)


def overseer(request: Request) -> Membership | None:
    """Return the person for whom a token speaks, where they let it see what they may."""
    is_let = isinstance(request.auth, Bearer) and OVERSEE in request.auth.scopes
    return speaks_for(request) if is_let else None


def seen_by(member: Membership) -> "QuerySet[UsedDelegation]":
    """Return what a person may see, with names and use."""
    return _dressed(Delegation.objects.visible_to(member))


def answer(delegation: Delegation) -> Response:
    return Response(SeenSerializer(delegation).data, headers=versions.tag(delegation.version))


def _dressed(rows: "QuerySet[Delegation]") -> "QuerySet[UsedDelegation]":
    # `with_names` is the queryset's own; narrowing keeps its class.
    return impact.with_use(rows.with_names())  # type: ignore[attr-defined]


def _words(delegation: Delegation) -> dict[str, Any]:
    return {"summary": sentence(delegation, now=timezone.now()), "links": _links(delegation)}


def _links(delegation: Delegation) -> dict[str, str]:
    """Return its page for those who look after the tenant, and that of the person it speaks for."""
    issuer = current().issuer
    mine = {"mine": f"{issuer}/me/agents"} if delegation.member_id else {}
    return {"console": f"{issuer}/console/delegations/{delegation.pk}", **mine}
