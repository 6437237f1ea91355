"""Refusals of this app.

TenantError
├── SlugTaken        a slug is never given twice
├── UnknownTenant    no such tenant is served
└── NotActive        the tenant or member is not active any more
"""


class TenantError(Exception):
    """An expected no."""


class SlugTaken(TenantError):
    pass


class UnknownTenant(TenantError):
    pass


class NotActive(TenantError):
    pass
