"""What a paused tenant shows: that it is, to everybody; who paused it, to its members; a button, to its admins."""

from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_POST

from console.access import for_act, is_present, principal, prove_again
from console.attempt import attempt
from tenants import pausing
from tenants.roles import Act, may
from tokens.endpoints.request import MemberRequest, TenantRequest


def show(request: TenantRequest) -> HttpResponse:
    """Return the page that stands for every other one."""
    member = request.member
    content = {
        "pause": pausing.last_pause() if member is not None else None,
        "may_resume": member is not None and may(member, Act.TENANT_PAUSE),
    }
    response = render(request, "paused.html", content, status=503)
    response.headers["Cache-Control"] = "no-store"
    return response


@require_POST
@for_act(Act.TENANT_PAUSE)
def resume(request: MemberRequest) -> HttpResponse:
    """Serve the tenant again. Where somebody was faster it is served already.

    Whoever proved longer than minutes ago that it is them does so first, and presses again: a session that was stolen
    may be why it is paused.
    """
    if not is_present(request):
        return prove_again(request, "home")
    attempt(lambda: pausing.resume_tenant(request.tenant, by=principal(request)))
    return redirect("console-settings")
