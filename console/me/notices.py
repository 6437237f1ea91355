"""What reaches a person: which mail, one box for each kind; and in which language, on pages and in mail."""

from django.conf import settings
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_http_methods, require_POST

from console.access import for_members, principal
from notices import actions, kinds
from tenants import languages
from tenants.errors import Unusable
from tokens.endpoints.request import MemberRequest


@require_http_methods(["GET", "POST"])
@for_members
def view(request: MemberRequest) -> HttpResponse:
    mine = [kind for kind in kinds.REGISTRY.values() if kind.concerns(request.member) and not kind.is_always]
    if request.method == "POST":
        wanted = set(request.POST.getlist("kind"))
        actions.choose(request.member, [kind.name for kind in mine if kind.name not in wanted], by=principal(request))
        return redirect("my-notices")
    unwanted = actions.unwanted_by(request.member)
    rows = [{"name": kind.name, "title": kind.title, "is_wanted": kind.name not in unwanted} for kind in mine]
    choice = {"languages": settings.LANGUAGES, "language": request.member.user.language}
    return render(request, "me/notices.html", {"kinds": rows, **choice})


@require_POST
@for_members
def choose_language(request: MemberRequest) -> HttpResponse:
    """Take a language that the page offers; of another one the person stays where they were."""
    try:
        languages.choose(request.member, request.POST.get("language", ""), by=principal(request))
    except Unusable:
        return render(request, "400.html", status=400)
    return redirect("my-notices")
