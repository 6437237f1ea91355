"""Long work: ending, writing down or checking all that a list shows, what that touches, and how far it is."""

from typing import Any, cast

from django import forms
from django.http import HttpResponse, QueryDict, StreamingHttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.formats import number_format
from django.utils.translation import gettext_lazy as _
from django.views.decorators.http import require_http_methods, require_POST

from console import choosing, kept
from console.access import for_admins, for_keepers, must_prove_again, principal, prove_again
from console.attempt import UNTRUSTED
from console.counted import MOVED, Counted
from console.exports import ENOUGH_AT_WORK, TOO_LONG_AT_ALL
from console.job_rows import job_row
from console.kill_times import kill_times
from console.needs import RoleLacking
from console.paging import Column, page
from delegations.errors import IssuerRemoved
from delegations.filters import DelegationFilter
from delegations.models import Delegation
from notices import ending, exporting, jobs, lists, rechecking, reports, selecting
from notices.errors import EnoughAtWork, NoFile, NotAtWork, NotGivenBack, NothingMatches, NumberMoved, TooLong
from notices.models import Job
from tenants.roles import may
from tokens.endpoints.request import MemberRequest

COLUMNS = (Column(_("What")), Column(_("State")), Column(_("How far")), Column(_("By")), Column(_("When")))


class EndForm(Counted):
    reason = forms.CharField(label=_("Why"), max_length=500, help_text=_("Whoever it concerns reads this."))


@require_http_methods(["GET", "HEAD", "POST"])
@for_admins
def end_many(request: MemberRequest) -> HttpResponse:
    touched = ending.preview(_selected(request.GET), by=request.member)
    if request.method != "POST":
        typed = kept.initial(request, "end-many")
        return _preview(request, EndForm(reaches=touched.delegations, initial=typed), touched)
    if must_prove_again(request):
        kept.keep(request, kept.PROVED)
        return prove_again(request, request.get_full_path())
    form = EndForm(request.POST, reaches=touched.delegations)
    if not form.is_valid():
        return _preview(request, form, touched, status=409 if form.has_moved else 422)
    try:
        job = ending.end_all(
            _selected(request.GET),
            selection=_said(request.GET),
            reason=form.cleaned_data["reason"],
            expected=touched.delegations,
            member=request.member,
            by=principal(request),
        )
    except NumberMoved:
        form.add_error(None, MOVED)
        return _preview(request, form, ending.preview(_selected(request.GET), by=request.member), status=409)
    except NothingMatches:
        form.add_error(None, _("Nothing matches any more, so that nothing was done."))
        return _preview(request, form, touched, status=409)
    return redirect("job", job.pk)


@require_POST
@for_keepers
def start(request: MemberRequest) -> HttpResponse:
    """Begin what changes nothing: a file of all that a list shows, or a check of it against today's rules."""
    kind, words = request.POST.get("kind", ""), request.GET
    is_check = kind == Job.Kind.RECHECK
    rows = Delegation.objects.visible_to(request.member)
    narrowed = DelegationFilter(words, rows.live(timezone.now()) if is_check else rows)
    if not narrowed.form.is_valid() or not (is_check or kind in exporting.TYPES):
        return redirect(f"{reverse('console-delegations')}?{words.urlencode()}")  # The list says what is wrong.
    said, member, by = words.dict(), request.member, principal(request)
    try:
        if is_check:
            job = rechecking.ask(narrowed.qs, selection=said, member=member, by=by)
        else:
            job = exporting.ask(narrowed.qs, kind, selection=said, member=member, by=by)
    except EnoughAtWork:
        return _list(request, said=ENOUGH_AT_WORK % {"most": selecting.AT_ONCE})
    except TooLong:
        return _list(request, said=TOO_LONG_AT_ALL % {"most": number_format(exporting.MOST, force_grouping=True)})
    return redirect("job", job.pk)


@for_keepers
def listing(request: MemberRequest) -> HttpResponse:
    return _list(request)


def _list(request: MemberRequest, *, said: str = "") -> HttpResponse:
    found, pager = page(request, Job.objects.select_related("asked_by__user"))
    rows = [job_row(job, request) for job in found]
    return render(
        request,
        "console/jobs.html",
        {"rows": rows, "pager": pager, "columns": COLUMNS, "said": said},
        status=422 if said else 200,
    )


@for_keepers
def one(request: MemberRequest, job_id: str, *, said: str = "", status: int = 200) -> HttpResponse:
    job = get_object_or_404(Job.objects.select_related("asked_by__user"), pk=job_id)
    return render(request, "console/job.html", {"job": job_row(job, request), "said": said}, status=status)


@require_POST
@for_admins
def stop(request: MemberRequest, job_id: str) -> HttpResponse:
    try:
        jobs.stop(get_object_or_404(Job, pk=job_id), by=principal(request))
    except NotAtWork:
        return one(request, job_id, said=str(_("It is over, or is being stopped already.")), status=409)
    return redirect("job", job_id)


@require_POST
@for_admins
def undo(request: MemberRequest, job_id: str) -> HttpResponse:
    try:
        made = ending.undo_all(get_object_or_404(Job, pk=job_id), member=request.member, by=principal(request))
    except NotGivenBack:
        return one(request, job_id, said=str(_("It is too late for that, or it was done already.")), status=409)
    except IssuerRemoved:
        return one(request, job_id, said=str(UNTRUSTED), status=409)
    return redirect("job", made.pk)


@for_keepers
def report(request: MemberRequest, job_id: str) -> HttpResponse:
    job = get_object_or_404(Job, pk=job_id)
    headers = {"Content-Disposition": f'attachment; filename="{job.pk}.csv"'}
    lines = reports.lines(request.tenant, job)
    answer = StreamingHttpResponse(lines, content_type="text/csv; charset=utf-8", headers=headers)
    return cast(HttpResponse, answer)  # A sibling, with all that the guards and the middleware touch.


@for_keepers
def file(request: MemberRequest, job_id: str) -> HttpResponse:
    job = get_object_or_404(Job, pk=job_id)
    if not may(request.member, lists.REGISTRY[job.noun].act):
        raise RoleLacking(lists.REGISTRY[job.noun].act)
    try:
        content = exporting.hand_out(request.tenant, job, by=principal(request))
    except NoFile:
        return one(request, job_id, said=str(_("It is not written yet, or was removed after seven days.")), status=409)
    headers = {"Content-Disposition": f'attachment; filename="{job.pk}.{job.form}"'}
    answer = StreamingHttpResponse(content, content_type=exporting.TYPES[job.form], headers=headers)
    return cast(HttpResponse, answer)  # As above.


def _selected(words: QueryDict) -> Any:
    """Return what the address means: the rows that were ticked, or else all that the list shows."""
    live = Delegation.objects.live(timezone.now())
    if choosing.is_of_rows(words):
        return live.filter(pk__in=choosing.ids(words) or [""])  # Of an empty list there is no statement to freeze by.
    return DelegationFilter(words, live).qs


def _said(words: QueryDict) -> dict[str, str]:
    """Return what of it is kept with the job, as the API keeps it."""
    if choosing.is_of_rows(words):
        return {"ids": " ".join(choosing.ids(words))}
    return {name: str(words[name]) for name in words}


def _preview(request: MemberRequest, form: EndForm, touched: ending.Preview, *, status: int = 200) -> HttpResponse:
    narrowed, chosen = DelegationFilter(request.GET), choosing.is_of_rows(request.GET)
    words = (
        []
        if chosen
        else [
            (narrowed.form.fields[name].label or name, value)
            for name, value in request.GET.items()
            if value and name in narrowed.form.fields
        ]
    )
    times = kill_times(touched.audiences)
    shown = {"form": form, "touched": touched, "times": times, "words": words, "is_chosen": chosen}
    return render(request, "console/end_many.html", shown, status=status)
