"""Who a subject of an issuer is here, and how people sign in there."""

from django.db import IntegrityError
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import gettext_lazy as _
from django.views.decorators.http import require_http_methods, require_POST

from console.access import for_act, principal
from console.admin.trust_forms import LinkForm, ProviderForm
from console.admin.trust_issuer import issuer_of, show
from console.attempt import THERE, attempt
from tenants.errors import NotYours
from tenants.models import Membership
from tenants.roles import Act
from tokens.endpoints.request import MemberRequest
from trust import actions, providers
from trust.models import IdentityProvider, SubjectLink

NOBODY = _("Nobody here has this mail address.")


@require_POST
@for_act(Act.TRUST_WRITE)
def link(request: MemberRequest, issuer_id: str) -> HttpResponse:
    issuer, form = issuer_of(issuer_id), LinkForm(request.POST)
    if form.is_valid():
        said = form.cleaned_data
        member = Membership.objects.select_related("user").filter(user__email=said["email"].strip().lower()).first()
        if member is None:
            form.add_error("email", NOBODY)
            return show(request, issuer, link_form=form, status=422)
        try:
            actions.link_subject(issuer, said["subject"], member, by=principal(request), how="admin")
        except IntegrityError:
            form.add_error("subject", THERE)
        except NotYours as refused:
            form.add_error("email", str(refused))
        else:
            return redirect("console-issuer", issuer_id)
    return show(request, issuer, link_form=form, status=422)


@require_POST
@for_act(Act.TRUST_WRITE)
def unlink(request: MemberRequest, issuer_id: str, link_id: str) -> HttpResponse:
    found = get_object_or_404(SubjectLink, issuer=issuer_of(issuer_id), pk=link_id)
    actions.unlink_subject(found, by=principal(request))
    return redirect("console-issuer", issuer_id)


@require_POST
@for_act(Act.TRUST_WRITE)
def set_provider(request: MemberRequest, issuer_id: str) -> HttpResponse:
    issuer, form = issuer_of(issuer_id), ProviderForm(request.POST)
    if form.is_valid():
        said, who = form.said(), principal(request)
        refused = attempt(lambda: providers.set_provider(issuer, by=who, **said))
        if not refused:
            return redirect("console-issuer", issuer_id)
        form.add_error(None, refused)
    return show(request, issuer, provider_form=form, status=422)


@require_http_methods(["GET", "HEAD", "POST"])
@for_act(Act.TRUST_WRITE)
def remove_provider(request: MemberRequest, issuer_id: str) -> HttpResponse:
    """Say how many sign in there; and let nobody do so any more."""
    issuer = issuer_of(issuer_id)
    provider = get_object_or_404(IdentityProvider.objects.select_related("issuer"), issuer=issuer)
    if request.method == "POST":
        providers.remove_provider(provider, by=principal(request))
        return redirect("console-issuer", issuer_id)
    known = SubjectLink.objects.filter(issuer=issuer).count()
    return render(request, "console/remove_provider.html", {"issuer": issuer, "known": known})
