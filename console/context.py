"""What every page knows: the tenant, the member who is signed in, and, where it asks, what else they may open."""

from typing import cast

from django.http import HttpRequest
from django.utils import timezone
from django.utils.functional import SimpleLazyObject

from console import look, navigation, switcher
from tenants import brand
from tenants.models import Membership
from tenants.roles import Act, who_may
from tokens.endpoints.request import MemberRequest


def tenant_and_member(request: HttpRequest) -> dict[str, object]:
    member = getattr(request, "member", None)
    tenant = getattr(request, "tenant", None)
    sheet = brand.address(tenant) if tenant else ""
    known = {"tenant": tenant, "member": member, "look": look.chosen(request), "colours": sheet}
    if member is None:
        return known
    found = navigation.lazily(cast(MemberRequest, request))
    return {**known, "navigation": found, "my_tenants": switcher.lazily(member), "admins": SimpleLazyObject(_admins)}


def _admins() -> list[str]:
    """Return a few of those who give roles, for whoever lacks one."""
    here = Membership.objects.filter(status=Membership.Status.ACTIVE).select_related("user").order_by("pk")
    return [str(each) for each in here.filter(who_may(Act.ADMINS_APPOINT, now=timezone.now()))[:3]]
