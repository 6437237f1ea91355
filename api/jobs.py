"""Long work over REST: ending, writing down and checking many delegations at once, and what became of it."""

from typing import Any

from django.http import HttpResponseBase, StreamingHttpResponse
from django.shortcuts import get_object_or_404
from django.utils import timezone
from django.utils.translation import gettext
from rest_framework import serializers, status
from rest_framework.exceptions import PermissionDenied
from rest_framework.request import Request
from rest_framework.response import Response

from api import choosing
from api.authentication import tenant_of
from api.choosing import Chosen
from api.door import Door, said
from api.fresh import check_fresh
from api.keepers import by, member_of
from api.listing import Listing
from delegations.filters import DelegationFilter
from delegations.models import Delegation
from notices import ending, exporting, jobs, lists, rechecking, reports
from notices.models import Job
from tenants.directory import current
from tenants.roles import Act, may
from tokens import receipts
from tokens.bearer import Bearer

READ, RUN = "jobs:read", "jobs:run"


class JobSerializer(serializers.ModelSerializer[Job]):
    asked_by = serializers.CharField(source="asked_by_id")
    of = serializers.CharField(source="of_id", allow_null=True)
    summary = serializers.SerializerMethodField()
    links = serializers.SerializerMethodField()

    class Meta:
        model = Job
        fields = [
            "id", "kind", "state", "noun", "selection", "reason", "form", "asked_by", "of", "total", "done", "failed",
            "noted", "created_at", "finished_at", "retry_at", "summary", "links",
        ]  # fmt: skip

    def get_summary(self, job: Job) -> str:
        facts = {"what": job.get_kind_display(), "done": job.done + job.failed, "total": job.total}
        return gettext("%(what)s: %(done)s of %(total)s") % facts

    def get_links(self, job: Job) -> dict[str, str]:
        return {"console": f"{current().issuer}/console/jobs/{job.pk}"}


class BulkEnd(Chosen):
    """`filter` are the words of the list; an empty one is everything, and has to be confirmed like any other. `ids`
    are named one by one instead.

    `expect` is the number that the caller confirms: where another number matches, nothing is done. Of `ids` it is as
    many as they are, if it is not said. With `dry_run` nothing is done either, and the answer says what would be
    touched.
    """

    reason = serializers.CharField(max_length=500, required=False, default="")

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        attrs = super().validate(attrs)
        if "filter" in attrs:
            return attrs
        named = sorted(set(attrs["ids"]))
        return {**attrs, "ids": named, "expect": len(named) if attrs["expect"] is None else attrs["expect"]}

    @property
    def selection(self) -> dict[str, str]:
        """What is kept of it with the job, as words."""
        said = self.validated_data
        return dict(said["filter"]) if "filter" in said else {"ids": " ".join(said["ids"])}


class Listed(serializers.Serializer[Any]):
    """`filter` are the words of the list; an empty one is everything that is live."""

    filter = serializers.DictField(child=serializers.CharField(max_length=200, allow_blank=True), default=dict)


class AsFile(Listed):
    form = serializers.ChoiceField(choices=sorted(exporting.TYPES), default=exporting.CSV)


class AsFileOf(AsFile):
    list = serializers.ChoiceField(choices=sorted(lists.REGISTRY))


class Touched(serializers.Serializer[Any]):
    """What would end; how many people are told by mail, and how many webhooks; and for how many seconds at most after
    the end a token may still be accepted, by resource.
    """

    delegations = serializers.IntegerField()
    people = serializers.IntegerField()
    agents = serializers.IntegerField()
    resources = serializers.IntegerField()
    told = serializers.IntegerField()
    webhooks = serializers.IntegerField()
    revocation_lags = serializers.SerializerMethodField()

    def get_revocation_lags(self, touched: ending.Preview) -> dict[str, int]:
        return {audience: receipts.lag_at(audience) for audience in touched.audiences}


class _Jobs(Door):
    scopes = {"GET": READ, "POST": RUN}
    acts = {"GET": Act.JOBS_READ, "POST": Act.DELEGATIONS_END}


class EndMany(_Jobs):
    http_method_names = ["post", "options"]
    reads = {"POST": BulkEnd}
    answers = {"POST": JobSerializer}

    def post(self, request: Request) -> Response:
        body = BulkEnd(data=request.data)
        asked, live = said(body), Delegation.objects.live(timezone.now())
        found = choosing.rows_of(asked, DelegationFilter, live)
        if asked["dry_run"]:
            return Response(Touched(ending.preview(found, by=member_of(request))).data)
        if asked["expect"] is None:
            raise serializers.ValidationError({"expect": ["Say how many you mean to end; dry_run counts them."]})
        check_fresh(request)
        job = ending.end_all(
            found,
            selection=body.selection,
            reason=asked["reason"],
            expected=asked["expect"],
            member=member_of(request),
            by=by(request),
        )
        return _accepted(job)


class _Asking(_Jobs):
    """Work that changes nothing, for whoever may look at everybody's agents."""

    http_method_names = ["post", "options"]
    acts = {"POST": Act.AGENTS_READ}
    answers = {"POST": JobSerializer}


class Export(_Asking):
    reads = {"POST": AsFile}

    def post(self, request: Request) -> Response:
        asked = said(AsFile(data=request.data))
        found = choosing.narrowed(DelegationFilter, asked["filter"], Delegation.objects.get_queryset())
        member, form = member_of(request), asked["form"]
        return _accepted(exporting.ask(found, form, selection=asked["filter"], member=member, by=by(request)))


class ExportList(_Asking):
    """A list of this name into a file: as long as it may be, narrowed by its own words. Whoever may read it may ask."""

    acts = {"POST": Act.JOBS_READ}
    reads = {"POST": AsFileOf}

    def post(self, request: Request) -> Response:
        asked = said(AsFileOf(data=request.data))
        noun, words, member = asked["list"], asked["filter"], member_of(request)
        _check_may_read(request, noun)
        found = choosing.narrowed(lists.REGISTRY[noun].filter, words, lists.REGISTRY[noun].all())
        return _accepted(exporting.ask(found, asked["form"], selection=words, member=member, by=by(request), noun=noun))


class Recheck(_Asking):
    reads = {"POST": Listed}

    def post(self, request: Request) -> Response:
        asked = said(Listed(data=request.data))
        found = choosing.narrowed(DelegationFilter, asked["filter"], Delegation.objects.live(timezone.now()))
        member = member_of(request)
        return _accepted(rechecking.ask(found, selection=asked["filter"], member=member, by=by(request)))


class Jobs(_Jobs):
    http_method_names = ["get", "head", "options"]
    listing = Listing("jobs", JobSerializer)
    answers = {"GET": listing}

    def get(self, request: Request) -> Response:
        return self.listing.answer(request, Job.objects.all())


class OneJob(_Jobs):
    http_method_names = ["get", "head", "options"]
    answers = {"GET": JobSerializer}

    def get(self, request: Request, job_id: str) -> Response:
        return Response(JobSerializer(get_object_or_404(Job, pk=job_id)).data)


class Stop(_Jobs):
    http_method_names = ["post", "options"]
    answers = {"POST": JobSerializer}

    def post(self, request: Request, job_id: str) -> Response:
        jobs.stop(get_object_or_404(Job, pk=job_id), by=by(request))
        return Response(JobSerializer(Job.objects.get(pk=job_id)).data)


class Undo(_Jobs):
    http_method_names = ["post", "options"]
    answers = {"POST": JobSerializer}

    def post(self, request: Request, job_id: str) -> Response:
        job = get_object_or_404(Job, pk=job_id)
        return _accepted(ending.undo_all(job, member=member_of(request), by=by(request)))


class Report(_Jobs):
    """Each thing that a job was done to, and what became of it, as CSV."""

    http_method_names = ["get", "head", "options"]

    def get(self, request: Request, job_id: str) -> HttpResponseBase:
        job = get_object_or_404(Job, pk=job_id)
        headers = {"Content-Disposition": f'attachment; filename="{job.pk}.csv"', "Cache-Control": "no-store"}
        return StreamingHttpResponse(
            reports.lines(tenant_of(request), job), content_type="text/csv; charset=utf-8", headers=headers
        )


class File(_Jobs):
    """The file that a job wrote, once it is over and for seven days."""

    http_method_names = ["get", "head", "options"]

    def get(self, request: Request, job_id: str) -> HttpResponseBase:
        job = get_object_or_404(Job, pk=job_id)
        _check_may_read(request, job.noun)
        content = exporting.hand_out(tenant_of(request), job, by=by(request))
        name = f'attachment; filename="{job.pk}.{job.form}"'
        headers = {"Content-Disposition": name, "Cache-Control": "no-store"}
        return StreamingHttpResponse(content, content_type=exporting.TYPES[job.form], headers=headers)


def _check_may_read(request: Request, noun: str) -> None:
    """Raise PermissionDenied for a list that the token or its person may not read; delegations are what jobs are of."""
    act = lists.REGISTRY[noun].act
    holds = noun == lists.DELEGATIONS or (isinstance(request.auth, Bearer) and act.value in request.auth.scopes)
    if not holds or not may(member_of(request), act):
        raise PermissionDenied


def _accepted(job: Job) -> Response:
    location = {"Location": f"{job.tenant.issuer}/api/v1/jobs/{job.pk}"}
    return Response(JobSerializer(job).data, status=status.HTTP_202_ACCEPTED, headers=location)
