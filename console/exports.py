"""A list as a file: every row of the filter, written while it is sent, or by the clock where that takes too long."""

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, cast

from django.db import transaction
from django.http import Http404, HttpResponse, StreamingHttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.formats import number_format
from django.utils.translation import gettext_lazy as _
from django.views.decorators.http import require_GET, require_POST

from audit.ledger import record
from console.access import for_act, principal
from console.needs import RoleLacking
from notices import exporting, lists, selecting, streams
from notices.errors import EnoughAtWork, TooLong
from notices.short_lists import SHORT
from tenants.models import Tenant
from tenants.roles import Act, may
from tokens.endpoints.request import MemberRequest

if TYPE_CHECKING:
    from django.db.models import QuerySet

PAGES = {
    "keys": "console-keys",
    "jobs": "jobs",
    "webhooks": "console-webhooks",
    "deliveries": "console-webhooks",
    "invitations": "console-members",
    "registration-tokens": "console-ways-in",
    "settings-history": "console-settings",
    "tokens": "console-agents",
}
"""The pages of the lists that are files only while they are sent."""
TOO_LONG = _("That is more than %(most)s rows. Narrow the list, or have the file written while you do something else.")
ENOUGH_AT_WORK = _("%(most)s files and checks that you asked for are under way. Wait until one is done, or stop one.")
TOO_LONG_AT_ALL = _("That is more than %(most)s rows, which no file takes. Narrow the list.")


def answer(tenant: Tenant, noun: str, rows: "QuerySet[Any]", form: str) -> HttpResponse:
    """Return the file of some rows, dressed as the list has them."""
    written = streams.pieces(tenant, _which(noun), rows, form)
    name = f'attachment; filename="{noun}-{tenant.slug}.{form}"'
    headers = {"Content-Disposition": name}
    # A page as far as who may open it goes.
    return cast(HttpResponse, StreamingHttpResponse(written, content_type=exporting.TYPES[form], headers=headers))


def download(noun: str) -> Callable[..., HttpResponse]:
    """Return the view that gives a list away, for whoever may read it."""
    which = _which(noun)

    @require_GET
    @for_act(which.act)
    def export(request: MemberRequest, form: str) -> HttpResponse:
        if form not in exporting.TYPES:
            raise Http404
        narrowed = which.filter(request.GET, which.dressed())
        if not narrowed.is_valid():
            return redirect(_list(request, noun))
        if streams.is_too_long(narrowed.qs):
            return _offer(request, noun, TOO_LONG, streams.MOST)
        detail: dict[str, str | int] = {"list": noun, "filter": request.GET.urlencode(), "form": form}
        with transaction.atomic():
            detail["rows"] = narrowed.qs.order_by().count()
            record(which.event, by=principal(request), about=request.tenant, detail=detail)
        return answer(request.tenant, noun, narrowed.qs, form)

    return export


def write(noun: str) -> Callable[..., HttpResponse]:
    """Return the view that has a list written by the clock, for whoever may read it and what became of long work."""
    which = lists.REGISTRY[noun]

    @require_POST
    @for_act(Act.JOBS_READ)
    def ask(request: MemberRequest, form: str) -> HttpResponse:
        if not may(request.member, which.act):
            raise RoleLacking(which.act)
        if form not in exporting.TYPES:
            raise Http404
        narrowed = which.filter(request.GET, which.all())
        if not narrowed.is_valid():
            return redirect(_list(request, noun))
        words = {name: value for name, value in request.GET.dict().items() if value and name in narrowed.form.fields}
        member, by = request.member, principal(request)
        try:
            job = exporting.ask(narrowed.qs, form, selection=words, member=member, by=by, noun=noun)
        except TooLong:
            return _offer(request, noun, TOO_LONG_AT_ALL, exporting.MOST)
        except EnoughAtWork:
            return _offer(request, noun, ENOUGH_AT_WORK, selecting.AT_ONCE)
        return redirect("job", job.pk)

    return ask


def _offer(request: MemberRequest, noun: str, words: Any, most: int) -> HttpResponse:
    """Say that a file is too long to wait for, and offer the clock's where that takes as many."""
    is_writable = noun in lists.REGISTRY and most < exporting.MOST and may(request.member, Act.JOBS_READ)
    content = {
        "said": (words if noun in lists.REGISTRY else TOO_LONG_AT_ALL)
        % {"most": number_format(most, force_grouping=True)},
        "files": [(form.upper(), reverse(f"write-{noun}", args=[form])) for form in exporting.TYPES]
        if is_writable
        else [],
        "query": request.GET.urlencode(),
        "list_url": _list(request, noun),
    }
    return render(request, "console/long_file.html", content, status=422)


def _which(noun: str) -> lists.List:
    return lists.REGISTRY[noun] if noun in lists.REGISTRY else SHORT[noun]


def _list(request: MemberRequest, noun: str) -> str:
    """Return the address of the list that a file is of; it says what is wrong with its words, too."""
    if noun in PAGES:
        return reverse(PAGES[noun])
    place = request.path.rpartition("/")[0].rpartition("/")[0]
    return f"{place}?{request.GET.urlencode()}"
