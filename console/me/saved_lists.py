"""Saved lists: a person's own, saved from above a list of the console, and those that others share with everybody."""

from collections.abc import Mapping
from typing import Any

from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect, render, resolve_url
from django.utils.functional import Promise
from django.utils.translation import gettext, gettext_lazy
from django.views.decorators.http import require_POST

from console.access import for_members, principal
from console.attempt import attempt
from delegations import saved_views
from tenants.roles import Act, may
from tenants.saved_view import SavedView
from tokens.endpoints.request import MemberRequest

PAGES: Mapping[str, tuple[str, str | Promise]] = {
    "agents": ("console-agents", gettext_lazy("Agents")),
    "delegations": ("console-delegations", gettext_lazy("Delegations")),
    "events": ("console-activity", gettext_lazy("Activity")),
}


@for_members
def listing(request: MemberRequest) -> HttpResponse:
    return _show(request)


@require_POST
@for_members
def save(request: MemberRequest) -> HttpResponse:
    """Save a list as it stands; what cannot be is said beside what was typed."""
    typed = {each: request.POST.get(each, "") for each in ("list", "name", "query")}
    said = attempt(lambda: saved_views.save(request.member, *typed.values(), by=principal(request)))
    if said:
        return _show(request, said=said, typed=typed if typed["list"] in PAGES else None)
    page, _ = PAGES[typed["list"]]
    return redirect(_url(page, saved_views.plain(typed["query"])))


@require_POST
@for_members
def rename(request: MemberRequest, view_id: str) -> HttpResponse:
    view, text = _mine(request, view_id), request.POST.get("version", "")
    version = int(text) if text.isdecimal() and len(text) < 18 else 0
    name = request.POST.get("name", "")
    said = attempt(lambda: saved_views.change(view, by=principal(request), name=name, version=version))
    return _show(request, said=said, renamed={view.pk: name}) if said else redirect("my-views")


@require_POST
@for_members
def remove(request: MemberRequest, view_id: str) -> HttpResponse:
    attempt(lambda: saved_views.remove(_mine(request, view_id), by=principal(request)))
    return redirect("my-views")


@require_POST
@for_members
def share(request: MemberRequest, view_id: str) -> HttpResponse:
    """Let everybody find a list that one saved."""
    view = _mine(request, view_id)
    said = attempt(lambda: saved_views.share(view, by=principal(request)))
    return _show(request, said=said) if said else redirect("my-views")


@require_POST
@for_members
def unshare(request: MemberRequest, view_id: str) -> HttpResponse:
    """Leave a shared list to its owner alone."""
    view = get_object_or_404(saved_views.known_to(request.member), pk=view_id)
    said = attempt(lambda: saved_views.unshare(view, member=request.member, by=principal(request)))
    return _show(request, said=said) if said else redirect("my-views")


def _show(
    request: MemberRequest,
    *,
    said: str = "",
    typed: Mapping[str, str] | None = None,
    renamed: Mapping[str, str] | None = None,
) -> HttpResponse:
    shared = saved_views.shared_with(request.member).exclude(member=request.member)
    content = {
        "views": [_row(view, (renamed or {}).get(view.pk)) for view in saved_views.of(request.member)],
        "others": [
            {**_row(view), "by": view.member.name, "may_unshare": saved_views.may_unshare(request.member, view)}
            for view in shared
        ],
        "may_share": may(request.member, Act.VIEWS_SHARE),
        "said": said,
        "typed": {**typed, "list_name": PAGES[typed["list"]][1]} if typed else None,
    }
    return render(request, "me/views.html", content, status=422 if said else 200)


def _row(view: SavedView, typed: str | None = None) -> dict[str, Any]:
    page, label = PAGES[view.listing]
    return {
        "id": view.pk,
        "name": view.name,
        "typed": view.name if typed is None else typed,
        "version": view.version,
        "is_shared": view.shared_at is not None,
        "list": label,
        "url": _url(page, view.query),
        "notes": saved_views.flaws(view.listing, view.query),
        "words": saved_views.words(view.listing, view.query) or gettext("all of them"),
    }


def _url(page: str, query: str) -> str:
    place = resolve_url(page)
    return f"{place}?{query}" if query else place


def _mine(request: MemberRequest, view_id: str) -> SavedView:
    return get_object_or_404(saved_views.of(request.member), pk=view_id)
