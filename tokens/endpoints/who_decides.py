"""Where `error_uri` leads when somebody has to decide first (RFC 6749 §5.2): who that is, and where they do.

The page says nothing of the request, the agent or any person: whoever has the address may read it. Whoever looks after
the tenant goes on to what waits for them.
"""

from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_GET

from tenants.rules import may_see_console
from tokens.endpoints.request import TenantRequest


@require_GET
def view(request: TenantRequest) -> HttpResponse:
    if request.member is not None and may_see_console(request.member):
        return redirect("console-approvals")
    return render(request, "oauth/who_decides.html")
