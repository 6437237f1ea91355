"""What every page knows: the tenant, the member who is signed in, and, where it asks, what else they may open."""

from typing import cast

from django.http import HttpRequest

from console import look, navigation, switcher
from console.needs import Needs
from tenants import brand
from tokens.endpoints.request import MemberRequest


def tenant_and_member(request: HttpRequest) -> dict[str, object]:
    member = getattr(request, "member", None)
    tenant = getattr(request, "tenant", None)
    sheet = brand.address(tenant) if tenant else ""
    known = {"tenant": tenant, "member": member, "look": look.chosen(request), "colours": sheet}
    if member is None:
        return known
    found = navigation.lazily(cast(MemberRequest, request))
    return {**known, "navigation": found, "my_tenants": switcher.lazily(member), "needs": Needs(member)}
