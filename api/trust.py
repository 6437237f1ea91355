"""Whom a tenant believes: for people who look after the tenant, through an app (`api.audiences`: who believes it).

A change holds from the commit on, in every process. Keys are given and never shown; an assertion that is tried is not
kept.
"""

from collections.abc import Mapping
from typing import Any

from django.db import IntegrityError
from django.shortcuts import get_object_or_404
from django.utils import timezone
from django.utils.functional import cached_property
from rest_framework import serializers, status
from rest_framework.request import Request
from rest_framework.response import Response

from api import versions
from api.authentication import tenant_of
from api.checks import StepSerializer
from api.door import Door
from api.door import said as _valid
from api.keepers import by, member_of
from api.listing import Listing
from api.narrowing import asks_for, check_words
from api.told import FIELDS, Told
from notices import distrust
from tenants.models import Membership
from tenants.roles import Act
from tokens import impact, summaries
from tokens.across import preview, trial
from tokens.checking.steps import allows
from tokens.impact import Impact
from trust import actions, heard, removing
from trust.errors import IssuerKnown
from trust.filters import IssuerFilter
from trust.heard import NOTHING, Heard
from trust.models import SubjectLink, TrustedIssuer

READ, WRITE = "trust:read", "trust:write"
MOMENTS = ("keys_fetched_at", "keys_swapped_at", "created_at", "changed_at", "removed_at")


class HeardSerializer(serializers.Serializer[Any]):
    """What became of assertions in the last 24 hours; `is_all` is false where there were more than are counted."""

    taken = serializers.IntegerField()
    refused = serializers.IntegerField()
    is_all = serializers.BooleanField()

    def to_representation(self, issuer: TrustedIssuer) -> dict[str, Any]:
        return super().to_representation(self._lately.get(issuer.pk, NOTHING))

    @cached_property
    def _lately(self) -> Mapping[str, Heard]:
        return heard.lately(timezone.now())  # Once for all that are written together.


class IssuerSerializer(Told, serializers.ModelSerializer[TrustedIssuer]):
    assertions = HeardSerializer(source="*", read_only=True)
    restorable_until = serializers.SerializerMethodField()

    class Meta:
        model = TrustedIssuer
        fields = [
            "id", "issuer", *sorted(actions.ISSUER_FIELDS), "vouched_as", *MOMENTS, "restorable_until", "assertions",
            *FIELDS,
        ]  # fmt: skip
        read_only_fields = ["id", "vouched_as", *MOMENTS]
        extra_kwargs = {"jwks": {"write_only": True}, "name": {"required": False}}
        validators: list[Any] = []

    def get_restorable_until(self, issuer: TrustedIssuer) -> str | None:
        return until.isoformat() if (until := removing.restorable_until(issuer)) else None

    def get_summary(self, row: TrustedIssuer) -> str:
        return summaries.issuer(row)

    def page(self, row: TrustedIssuer) -> str:
        return f"trust/issuers/{row.pk}"


class Stopping(serializers.Serializer[Any]):
    """What a change may say besides: why; and `dry_run`, with which nothing happens and the answer says what stops."""

    reason = serializers.CharField(required=False, allow_blank=True, max_length=500, write_only=True)
    dry_run = serializers.BooleanField(required=False, write_only=True)


class ChangeIssuerSerializer(Stopping, IssuerSerializer):
    class Meta(IssuerSerializer.Meta):
        fields = [*IssuerSerializer.Meta.fields, "reason", "dry_run"]


class Why(serializers.Serializer[Any]):
    reason = serializers.CharField(max_length=500, required=False, allow_blank=True, default="")


class RemovedIssuerSerializer(IssuerSerializer):
    """`job` accounts for what came through it and ended; null where nothing did."""

    job = serializers.CharField(allow_null=True)

    class Meta(IssuerSerializer.Meta):
        fields = [*IssuerSerializer.Meta.fields, "job"]


class LinkSerializer(serializers.ModelSerializer[SubjectLink]):
    member = serializers.CharField(source="member_id", max_length=30)

    class Meta:
        model = SubjectLink
        fields = ["id", "subject", "member", "how", "vouched_as", "created_at"]
        read_only_fields = ["id", "how", "vouched_as", "created_at"]
        extra_kwargs = {"subject": {"trim_whitespace": False}}


class Trust(Door):
    """What the views of trust have in common: scopes, and people with a role."""

    scopes = {"GET": READ, "POST": WRITE, "PATCH": WRITE, "PUT": WRITE, "DELETE": WRITE}
    acts = {
        "GET": Act.TRUST_READ,
        **dict.fromkeys(("POST", "PATCH", "PUT", "DELETE"), Act.TRUST_WRITE),
    }


class Issuers(Trust):
    made = True
    http_method_names = ["get", "post", "head", "options"]
    listing = Listing("issuers", IssuerSerializer, IssuerFilter)
    answers = {"GET": listing, "POST": IssuerSerializer}
    reads = {"POST": IssuerSerializer}

    def get(self, request: Request) -> Response:
        return self.listing.answer(request, TrustedIssuer.objects.all())

    def post(self, request: Request) -> Response:
        said = _valid(IssuerSerializer(data=request.data))
        made = actions.trust_issuer(said.pop("issuer"), by=by(request), **said)
        return Response(IssuerSerializer(made).data, status=status.HTTP_201_CREATED)


class OneIssuer(Trust):
    http_method_names = ["get", "patch", "delete", "head", "options"]
    answers = {"GET": IssuerSerializer, "PATCH": IssuerSerializer, "DELETE": RemovedIssuerSerializer}
    reads = {"PATCH": ChangeIssuerSerializer, "DELETE": Why}

    def get(self, request: Request, issuer_id: str) -> Response:
        return self._answer(_issuer(issuer_id))

    def patch(self, request: Request, issuer_id: str) -> Response:
        issuer = _issuer(issuer_id)
        said = _valid(ChangeIssuerSerializer(issuer, data=request.data, partial=True))
        if said.pop("issuer", issuer.issuer) != issuer.issuer:
            raise serializers.ValidationError({"issuer": ["An issuer is trusted anew, not renamed."]})
        if said.pop("dry_run", False):
            return foreseen(said, impact.of_issuer(issuer, now=timezone.now()))
        return self._answer(actions.change_issuer(issuer, by=by(request), version=versions.read_by(request), **said))

    def delete(self, request: Request, issuer_id: str) -> Response:
        """Remove it, restorable for thirty days, and end what came through it: that stays ended."""
        check_words(request, frozenset({"dry_run"}))
        issuer, why, now = _issuer(issuer_id), _valid(Why(data=request.data))["reason"], timezone.now()
        if asks_for(request, "dry_run"):
            return Response({"dry_run": True, **impact.of_issuer(issuer, now=now).as_json(agents="agents")})
        version, member = versions.read_by(request), member_of(request)
        job = distrust.remove_issuer(issuer, member=member, by=by(request), reason=why, version=version)
        removed = _issuer(issuer_id)
        answered = {**IssuerSerializer(removed).data, "job": job.pk if job else None}
        return Response(answered, headers=versions.tag(removed.version))

    def _answer(self, issuer: TrustedIssuer) -> Response:
        return Response(IssuerSerializer(issuer).data, headers=versions.tag(issuer.version))


class Restore(Trust):
    """Let a removed issuer stand as it did, within thirty days, by keys fetched anew; one that was off stays off.

    What came through it stays ended.
    """

    http_method_names = ["post", "options"]
    answers = {"POST": IssuerSerializer}

    def post(self, request: Request, issuer_id: str) -> Response:
        back = removing.restore_issuer(_issuer(issuer_id), by=by(request), version=versions.read_by(request))
        return Response(IssuerSerializer(back).data, headers=versions.tag(back.version))


class FetchKeys(Trust):
    """Fetch an issuer's keys now instead of within a minute; `fetched` says whether there are newer ones."""

    class Fetched(serializers.Serializer[Any]):
        fetched = serializers.BooleanField()
        keys_fetched_at = serializers.DateTimeField(allow_null=True)

    http_method_names = ["post", "options"]
    answers = {"POST": Fetched}

    def post(self, request: Request, issuer_id: str) -> Response:
        fetched = actions.fetch_keys(_issuer(issuer_id), by=by(request), now=timezone.now())
        return Response({"fetched": fetched, "keys_fetched_at": _issuer(issuer_id).keys_fetched_at})


class Links(Trust):
    made = True
    http_method_names = ["get", "post", "head", "options"]
    listing = Listing("links", LinkSerializer)
    answers = {"GET": listing, "POST": LinkSerializer}
    reads = {"POST": LinkSerializer}

    def get(self, request: Request, issuer_id: str) -> Response:
        return self.listing.answer(request, SubjectLink.objects.filter(issuer=_issuer(issuer_id)))

    def post(self, request: Request, issuer_id: str) -> Response:
        issuer, said = _issuer(issuer_id), _valid(LinkSerializer(data=request.data))
        member = Membership.objects.filter(pk=said["member_id"]).first()
        if member is None:
            raise serializers.ValidationError({"member": ["Nobody of this tenant has this id."]})
        try:
            link = actions.link_subject(issuer, said["subject"], member, by=by(request), how="admin")
        except IntegrityError as error:
            raise IssuerKnown(said["subject"]) from error
        return Response(LinkSerializer(link).data, status=status.HTTP_201_CREATED)


class OneLink(Trust):
    http_method_names = ["delete", "options"]

    def delete(self, request: Request, issuer_id: str, link_id: str) -> Response:
        actions.unlink_subject(get_object_or_404(SubjectLink, issuer=_issuer(issuer_id), pk=link_id), by=by(request))
        return Response(status=status.HTTP_204_NO_CONTENT)


class Try(Trust):
    """Paste an assertion, get the verdict claim by claim: nothing is minted, kept or used up."""

    http_method_names = ["post", "options"]
    scopes = {"POST": READ}

    class Pasted(serializers.Serializer[Any]):
        assertion = serializers.CharField(max_length=trial.LONGEST, trim_whitespace=True)

    class Tried(serializers.Serializer[Any]):
        would_be_accepted = serializers.BooleanField()
        steps = StepSerializer(many=True)

    reads = {"POST": Pasted}
    answers = {"POST": Tried}

    def post(self, request: Request) -> Response:
        said = _valid(self.Pasted(data=request.data))
        steps = trial.judge(tenant_of(request), said["assertion"], now=timezone.now())
        return Response({"would_be_accepted": allows(steps), "steps": [step.as_json() for step in steps]})


class Preview(Trust):
    """What an issuer says of itself, and what of that would be believed: nothing of it is kept, and nobody trusted.

    It takes what trusting an issuer takes, and is refused as that is. `problem` says why nothing it signs would count.
    """

    http_method_names = ["post", "options"]

    class SeenIssuer(serializers.Serializer[Any]):
        class SaidKey(serializers.Serializer[Any]):
            kid = serializers.CharField()
            algorithm = serializers.CharField()
            counts = serializers.BooleanField(help_text="Whether a signature by it would count.")

        issuer = serializers.CharField(source="planned.issuer")
        document = serializers.CharField(help_text="Where its metadata was found; empty where none was read.")
        says = serializers.CharField(help_text="The issuer that this document names.")
        jwks_uri = serializers.CharField()
        keys = SaidKey(many=True)
        passed_over = serializers.IntegerField(help_text="Keys for something else, or of a kind that is not known.")
        problem = serializers.ChoiceField(list(preview.Problem), allow_null=True)
        purposes = serializers.ListField(child=serializers.CharField(), source="planned.purposes")
        algorithms = serializers.ListField(child=serializers.CharField(), source="planned.algorithms")
        resources = serializers.DictField(source="planned.resources")
        longest_seconds = serializers.IntegerField(source="planned.longest_seconds")

    reads = {"POST": IssuerSerializer}
    answers = {"POST": SeenIssuer}

    def post(self, request: Request) -> Response:
        said = _valid(IssuerSerializer(data=request.data))
        return Response(self.SeenIssuer(preview.of(said.pop("issuer"), now=timezone.now(), **said)).data)


def foreseen(said: Mapping[str, Any], reached: Impact) -> Response:
    """Return what switching off would stop; of other changes nothing is foreseen."""
    if said.get("is_enabled") is not False:
        raise serializers.ValidationError({"dry_run": ["It foresees switching off: say is_enabled false with it."]})
    return Response({"dry_run": True, **reached.as_json(agents="agents")})


def _issuer(issuer_id: str) -> TrustedIssuer:
    return get_object_or_404(TrustedIssuer, pk=issuer_id)
