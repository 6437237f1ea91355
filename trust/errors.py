"""Refusals of this app.

TrustError
├── IssuerKnown      an issuer is registered once per tenant
├── TooLateToRestore it was not removed, or longer than thirty days ago
├── Unusable         what an admin says of an issuer or a domain cannot hold
└── NobodyLinked     no person of the tenant stands behind a foreign subject
"""


class TrustError(Exception):
    """An expected no."""


class IssuerKnown(TrustError):
    pass


class TooLateToRestore(TrustError):
    """It was not removed, or longer than thirty days ago."""


class Unusable(TrustError):
    """The message is for the admin who wrote it."""


class NobodyLinked(TrustError):
    pass
