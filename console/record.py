"""A delegation's signed record as a file, wherever a page offers it."""

from django.http import HttpResponse, JsonResponse
from django.shortcuts import get_object_or_404
from django.utils import timezone

from delegations.models import DelegationQuerySet
from tenants.models import Tenant
from tokens import records


def download(visible: DelegationQuerySet, delegation_id: str, *, tenant: Tenant) -> HttpResponse:
    """Return what was allowed, and what became of it, as signed JSON; 404 for what somebody may not see."""
    delegation = get_object_or_404(visible.with_names().select_related("consent"), pk=delegation_id)
    document = records.signed(delegation, tenant, now=timezone.now())
    name = f'attachment; filename="{delegation.pk}.json"'
    return JsonResponse(document, headers={"Content-Disposition": name}, json_dumps_params={"ensure_ascii": False})
