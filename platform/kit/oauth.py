"""Protocol words, and the tree of refusals that leave on the wire.

OAuthError
├── InvalidRequest            400  the request is malformed                  RFC 6749 §5.2
│   ├── TooLarge              413  the body is over the cap
│   ├── UnsupportedMediaType  415  the body is not a form
│   └── MethodNotAllowed      405
├── InvalidClient             401  client authentication failed              RFC 6749 §5.2
├── InvalidGrant              400  the code or token is not good             RFC 6749 §5.2
│   ├── Replayed              400  … and what it bought must die             RFC 6749 §4.1.2
│   ├── BadAssertion          400  an assertion is not good                  RFC 7521 §4.1
│   ├── Unadmitted            400  an agent waits for an admin               WAG §7
│   └── ForOthers             400  the agent was approved for other people
├── UnauthorizedClient        400  this client may not use this grant        RFC 6749 §5.2
├── UnsupportedGrantType      400                                            RFC 6749 §5.2
├── UnsupportedResponseType   400                                            RFC 6749 §4.1.2.1
├── InvalidScope              400                                            RFC 6749 §5.2
├── InvalidTarget             400  unknown or missing resource               RFC 8707 §2
├── AccessDenied              400  a person or a policy said no              RFC 6749 §4.1.2.1
│   └── OutsideNetworks       400  … as a device asks from elsewhere
├── AuthorizationPending      400  nobody has decided yet                    RFC 8628 §3.5
│   ├── SlowDown              400  … and the client asks too often           RFC 8628 §3.5
│   └── Deferred              400  … and here is what to ask again with      DTR
│       └── InteractionRequired 400  … once a person was at an address       DTR
├── ExpiredToken              400  nobody decided in time                    RFC 8628 §3.5
├── RequestNotSupported, RequestUriNotSupported                              OpenID Connect Core §3.1.2.6
├── LoginRequired, ConsentRequired   prompt=none could not be honoured       OpenID Connect Core §3.1.2.6
├── InvalidRedirectUri, InvalidClientMetadata                                RFC 7591 §3.2.2
├── InvalidSoftwareStatement, UnapprovedSoftwareStatement                    RFC 7591 §3.2.2
├── Forbidden             403  a client may not do this with its registration RFC 7592 §2.2
├── InvalidToken              401  a bearer token is not good                RFC 6750 §3.1
├── InsufficientScope         403                                            RFC 6750 §3.1
├── TemporarilyUnavailable    503
└── ServerError               500  anything unexpected; the log says what
"""

import re
from collections.abc import Mapping
from enum import StrEnum
from typing import ClassVar

from django.utils.translation import gettext_noop

_LONG = re.compile(r"[\w-]{40,}")


def without_secrets(text: str) -> str:
    """Return what was sent as it may be kept: a secret may stand in any parameter, so nothing as long as one is."""
    return _LONG.sub("…", text)


class GrantType(StrEnum):
    AUTHORIZATION_CODE = "authorization_code"
    REFRESH_TOKEN = "refresh_token"
    CLIENT_CREDENTIALS = "client_credentials"
    TOKEN_EXCHANGE = "urn:ietf:params:oauth:grant-type:token-exchange"
    JWT_BEARER = "urn:ietf:params:oauth:grant-type:jwt-bearer"
    DEVICE_CODE = "urn:ietf:params:oauth:grant-type:device_code"
    DEFERRED = "urn:ietf:params:oauth:grant-type:deferred"


class TokenType(StrEnum):
    """Token type identifiers (RFC 8693 §3)."""

    ACCESS_TOKEN = "urn:ietf:params:oauth:token-type:access_token"
    REFRESH_TOKEN = "urn:ietf:params:oauth:token-type:refresh_token"
    ID_TOKEN = "urn:ietf:params:oauth:token-type:id_token"
    JWT = "urn:ietf:params:oauth:token-type:jwt"
    ID_JAG = "urn:ietf:params:oauth:token-type:id-jag"


class AuthMethod(StrEnum):
    NONE = "none"
    SECRET_BASIC = "client_secret_basic"
    SECRET_POST = "client_secret_post"
    PRIVATE_KEY_JWT = "private_key_jwt"
    FEDERATED = "federated"
    """A token of a platform that an admin trusts, in the place of a client assertion; nobody registers so by itself."""


OPENID = "openid"
OFFLINE_ACCESS = "offline_access"
IDENTITY_SCOPES = frozenset({OPENID, "profile", "email", OFFLINE_ACCESS})
"""Scopes that name what is known of a person, or how long; they belong to no resource server."""


class OAuthError(Exception):
    """A refusal: `code` and the fixed `description` for the client, `reason` for the log."""

    code: ClassVar[str]
    status: ClassVar[int] = 400
    description: ClassVar[str]

    def __init__(self, reason: str = "", *, page: str = "", about: str = "", at: str = "") -> None:
        self.page = page
        """Where a person can do something about it: `error_uri` (RFC 6749 §5.2)."""
        self.about = about
        """Whose authority is not enough for it, where somebody can give more; else empty."""
        self.at = at
        """At which resource that is, where the request does not say so itself."""
        self.members: Mapping[str, str | int] = {}
        """What the answer says beside the error."""
        self.reason = without_secrets(reason) or self.description
        super().__init__(self.reason)


class InvalidRequest(OAuthError):
    code = "invalid_request"
    description = gettext_noop("The request is malformed: a parameter is missing, repeated or not readable.")


class TooLarge(InvalidRequest):
    status = 413
    description = "The request body is larger than this endpoint reads."


class UnsupportedMediaType(InvalidRequest):
    status = 415
    description = "This endpoint does not read bodies of this content type."


class MethodNotAllowed(InvalidRequest):
    status = 405
    description = "This endpoint does not answer this HTTP method."


class InvalidClient(OAuthError):
    code = "invalid_client"
    status = 401
    description = "Client authentication failed."


class InvalidGrant(OAuthError):
    code = "invalid_grant"
    description = "The authorization code or refresh token is not valid for this client, or its authority is over."


class Replayed(InvalidGrant):
    """A credential came back after it was used: the door revokes `family` in a transaction of its own."""

    def __init__(self, reason: str, *, family: str) -> None:
        super().__init__(reason)
        self.family = family


class BadAssertion(InvalidGrant):
    description = "The assertion is not good here, was used before, or its authority is over."


class Unadmitted(InvalidGrant):
    description = "This agent is not known here yet: an administrator of this organisation decides on it."


class ForOthers(InvalidGrant):
    description = "This agent was approved for certain people, and this person is none of them."


class UnauthorizedClient(OAuthError):
    code = "unauthorized_client"
    description = gettext_noop("This client may not use this grant.")


class UnsupportedGrantType(OAuthError):
    code = "unsupported_grant_type"
    description = "This server does not know this grant type."


class UnsupportedResponseType(OAuthError):
    code = "unsupported_response_type"
    description = gettext_noop("This server answers response_type=code only.")


class InvalidScope(OAuthError):
    code = "invalid_scope"
    description = gettext_noop("A requested scope is unknown at this resource or more than what was allowed.")


class InvalidTarget(OAuthError):
    code = "invalid_target"
    description = gettext_noop("The resource is missing, unknown or not part of what was allowed.")


class RequestNotSupported(OAuthError):
    code = "request_not_supported"
    description = gettext_noop("This server does not read request objects.")


class RequestUriNotSupported(OAuthError):
    code = "request_uri_not_supported"
    description = gettext_noop("This server does not fetch request objects.")


class AccessDenied(OAuthError):
    code = "access_denied"
    description = gettext_noop("The request was not allowed.")


class OutsideNetworks(AccessDenied):
    description = "Device codes are taken in this organisation's own networks alone."


class AuthorizationPending(OAuthError):
    """Nothing is wrong, and nothing is there yet: the door does not write it down."""

    code = "authorization_pending"
    description = "Nobody has decided yet."


class SlowDown(AuthorizationPending):
    code = "slow_down"
    description = "Nobody has decided yet, and this client asks too often: wait 5 seconds longer each time."


class Deferred(AuthorizationPending):
    """The request waits here: the answer names the code with which its client asks again."""

    description = "Somebody decides on this first. Ask again with the deferral code."

    def __init__(self, reason: str, members: Mapping[str, str | int]) -> None:
        super().__init__(reason)
        self.members = members


class InteractionRequired(Deferred):
    code = "interaction_required"
    description = "A person has to look at this first, at the address given here."


class ExpiredToken(OAuthError):
    code = "expired_token"
    description = "Nobody decided in time. Start again."


class LoginRequired(OAuthError):
    code = "login_required"
    description = gettext_noop("Nobody is signed in, and the request forbids asking.")


class ConsentRequired(OAuthError):
    code = "consent_required"
    description = gettext_noop("The person has not allowed this yet, and the request forbids asking.")


class InvalidRedirectUri(OAuthError):
    code = "invalid_redirect_uri"
    description = "A redirect URI must be https, a loopback address, or a private-use scheme with a dot in its name."


class InvalidClientMetadata(OAuthError):
    code = "invalid_client_metadata"
    description = "The client metadata is not acceptable here."


class InvalidSoftwareStatement(OAuthError):
    code = "invalid_software_statement"
    description = "The software statement is not a JWT that its issuer signed and that is good now."


class UnapprovedSoftwareStatement(OAuthError):
    code = "unapproved_software_statement"
    description = "Nobody here believes software statements of this issuer."


class Forbidden(OAuthError):
    code = "access_denied"
    status = 403
    description = "This organisation does not let clients do this with their registration."


class InvalidToken(OAuthError):
    code = "invalid_token"
    status = 401
    description = "The access token is missing, not valid, over, or for another resource."


class InsufficientScope(OAuthError):
    code = "insufficient_scope"
    status = 403
    description = "The access token lacks a scope that this needs."


class TemporarilyUnavailable(OAuthError):
    code = "temporarily_unavailable"
    status = 503
    description = "The server cannot answer right now. Try again shortly."


class ServerError(OAuthError):
    code = "server_error"
    status = 500
    description = "The server met an unexpected condition."
