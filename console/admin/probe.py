"""Testing a resource: what its server answers to nothing, and to tokens that are good for nothing."""

from django.http import HttpResponse
from django.shortcuts import render
from django.utils import timezone
from django.utils.translation import gettext_lazy as _
from django.views.decorators.http import require_http_methods

from console.access import for_act, principal
from console.admin.resources import resource_of
from console.step_words import in_words
from tenants.errors import TenantError, Unusable
from tenants.roles import Act
from tokens import probing
from tokens.endpoints.request import MemberRequest

TITLES = {
    "document": _("Its document names itself and this issuer"),
    "stranger": _("Whoever comes without a token is told where to go"),
    "expired": _("A token that is over is refused"),
    "elsewhere": _("A token for another resource is refused"),
    "unknown": _("A token that is not alive is refused"),
    "good": _("A token for it is taken"),
}


@require_http_methods(["GET", "HEAD", "POST"])
@for_act(Act.RESOURCES_WRITE)
def page(request: MemberRequest, resource_id: str) -> HttpResponse:
    server = resource_of(resource_id)
    content = {"server": server, "document": probing.metadata_url(server.identifier)}
    if request.method == "POST":
        try:
            report = probing.probe(server, request.tenant, by=principal(request), now=timezone.now())
        except Unusable as error:
            content["said"] = str(error)
            return render(request, "console/probe.html", content, status=409)
        except TenantError:
            content["said"] = _("It is not tested: it is retired, or this product's own.")
            return render(request, "console/probe.html", content, status=409)
        content |= {"report": report, "steps": in_words(report.steps, further=TITLES)}
    return render(request, "console/probe.html", content)
