"""Refusals of this app.

TenantError
├── SlugTaken        a slug is never given twice
├── UnknownTenant    no such tenant is served
├── NotActive        the tenant, member or resource server is not active any more
├── Stale            it was changed since whoever changes it now read it
├── IdentifierTaken  a scope of a resource server is there once
│   └── ResourceTaken  a resource server is; says which
├── Unusable         what was said cannot hold
│   └── BadSetting   one setting cannot; says which
│       └── Fixed    whoever runs the installation said what it is
├── NotYours         a role that this person may not give, take or change
└── LastAdmin        a tenant keeps an admin
"""


class TenantError(Exception):
    """An expected no."""


class SlugTaken(TenantError):
    pass


class UnknownTenant(TenantError):
    pass


class NotActive(TenantError):
    pass


class Stale(TenantError):
    """Carries what was changed: a model's instance."""


class IdentifierTaken(TenantError):
    pass


class ResourceTaken(IdentifierTaken):
    """Carries the id of the resource server that has the identifier; the message is for the person who said it."""

    def __init__(self, taken_by: str, words: str) -> None:
        self.taken_by = taken_by
        super().__init__(words)


class Unusable(TenantError, ValueError):
    """The message is for the person who said it."""


class BadSetting(Unusable):
    """The words are for whoever reads the setting beside them; together with its name they are for everybody else."""

    def __init__(self, setting: str, words: str) -> None:
        self.setting, self.words = setting, words
        super().__init__(f"{setting}: {words}")


class Fixed(BadSetting):
    pass


class NotYours(TenantError):
    """The message is for the person who tried."""


class LastAdmin(TenantError):
    """The message is for the person who tried."""
