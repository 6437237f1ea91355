"""What every page knows: the tenant, the member who is signed in, and, where it asks, what else they may open."""

from typing import cast

from django.http import HttpRequest

from console import kept, look, navigation, switcher
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
    theirs = cast(MemberRequest, request)
    found = {"navigation": navigation.lazily(theirs), "meanwhile": kept.lazily(theirs)}
    return {**known, **found, "my_tenants": switcher.lazily(member), "needs": Needs(member)}
