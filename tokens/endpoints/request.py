"""A request as `remit.middleware` hands it on: it knows its tenant, and on pages the member who is signed in."""

from django.http import HttpRequest

from tenants.models import Membership, Tenant


class ArrivingRequest(HttpRequest):
    """Any request behind the middleware; outside of every tenant it has none."""

    tenant: Tenant | None
    member: Membership | None


class TenantRequest(ArrivingRequest):
    """A request below an issuer."""

    tenant: Tenant


class MemberRequest(TenantRequest):
    """A page's request, once it is known that a member is signed in."""

    member: Membership
