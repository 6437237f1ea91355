"""Addresses of pages, for mail: made of the configured origin, as the clock has no request."""

from django.conf import settings
from django.urls import reverse

from tenants.models import Tenant


def path(name: str, *ids: str) -> str:
    """Return the path of a page below its tenant."""
    return f"/{reverse(name, urlconf=settings.TENANT_URLCONF, args=ids).lstrip('/')}"


def full(tenant: Tenant, place: str) -> str:
    """Return the address of a page."""
    return f"{tenant.issuer}{place}"
