"""Client metadata (RFC 7591 §2) from strangers → a frozen value. One validator for every way in.

Unknown members are ignored; what the server decides (ids, secrets, status) cannot be said. Grants beyond
`authorization_code` and `refresh_token` are dropped, and the answer shows what was registered instead.
"""

import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit

from kit import fetch, jwks, uris
from kit.jwks import BadKeys
from kit.oauth import AuthMethod, GrantType, InvalidClientMetadata, InvalidRedirectUri

GRANTS_OF_STRANGERS = (GrantType.AUTHORIZATION_CODE, GrantType.REFRESH_TOKEN)
MAX_REDIRECTS = 20
_BY_STRENGTH = (AuthMethod.PRIVATE_KEY_JWT, AuthMethod.NONE, AuthMethod.SECRET_BASIC, AuthMethod.SECRET_POST)
MAX_NAME = 100
_PAGES = ("client_uri", "logo_uri", "policy_uri", "tos_uri")
_WORDS = ("software_id", "software_version", "application_type", "scope")


@dataclass(frozen=True, slots=True)
class ClientMetadata:
    """What a client says of itself, checked."""

    name: str
    redirect_uris: tuple[str, ...]
    grant_types: tuple[str, ...]
    auth_method: AuthMethod
    further: Mapping[str, str] = field(default_factory=dict)
    jwks: Mapping[str, Any] = field(default_factory=dict)
    jwks_uri: str = ""


def parse(
    document: Mapping[str, Any], *, default_method: AuthMethod = AuthMethod.SECRET_BASIC, is_public: bool = False
) -> ClientMetadata:
    """Return checked metadata; raises InvalidClientMetadata or InvalidRedirectUri.

    Keys of a client that does not authenticate by them do not apply and are ignored, as some clients send them anyway;
    not so in a document that is public, where a bad one says that somebody published what they should not.
    """
    method = _auth_method(document, default_method)
    jwks, jwks_uri = _keys(document, are_needed=is_public or method == AuthMethod.PRIVATE_KEY_JWT)
    if method == AuthMethod.PRIVATE_KEY_JWT and not (jwks or jwks_uri):
        raise InvalidClientMetadata("private_key_jwt needs jwks or jwks_uri")
    return ClientMetadata(
        name=_name(document.get("client_name")),
        redirect_uris=_redirect_uris(document.get("redirect_uris")),
        grant_types=_grant_types(document.get("grant_types")),
        auth_method=method,
        further=_further(document),
        jwks=jwks,
        jwks_uri=jwks_uri,
    )


def _name(value: object) -> str:
    if value is None:
        return "Unnamed agent"
    if not isinstance(value, str) or not value.strip():
        raise InvalidClientMetadata("client_name")
    name = " ".join(unicodedata.normalize("NFC", value).split())
    if len(name) > MAX_NAME or any(unicodedata.category(character) in {"Cc", "Cf", "Cs", "Co"} for character in name):
        raise InvalidClientMetadata("client_name holds characters that do not show")
    return name


def _redirect_uris(value: object) -> tuple[str, ...]:
    if not isinstance(value, list) or not value or len(value) > MAX_REDIRECTS:
        raise InvalidRedirectUri("redirect_uris must be a list of 1 to 20")
    for uri in value:
        if not isinstance(uri, str) or len(uri) > 2000 or not uris.is_acceptable_redirect(uri):
            raise InvalidRedirectUri(f"{str(uri)[:200]!r}")
    return tuple(dict.fromkeys(value))


def _grant_types(value: object) -> tuple[str, ...]:
    if value is None:
        return (GrantType.AUTHORIZATION_CODE,)
    if not isinstance(value, list) or not all(isinstance(grant, str) for grant in value):
        raise InvalidClientMetadata("grant_types")
    allowed = tuple(grant.value for grant in GRANTS_OF_STRANGERS if grant in value)
    if GrantType.AUTHORIZATION_CODE not in allowed:
        raise InvalidClientMetadata("only authorization_code and refresh_token may be registered")
    return allowed


def _auth_method(document: Mapping[str, Any], default: AuthMethod) -> AuthMethod:
    value = document.get("token_endpoint_auth_method")
    several = document.get("token_endpoint_auth_methods_supported")
    if value is None and isinstance(several, list):
        # Some clients list what they can do instead of saying what they do: the strongest that is known here.
        value = next((method.value for method in _BY_STRENGTH if method.value in several), None)
    if value is None:
        return default
    try:
        return AuthMethod(str(value))
    except ValueError as error:
        raise InvalidClientMetadata("token_endpoint_auth_method") from error


def _keys(document: Mapping[str, Any], *, are_needed: bool) -> tuple[Mapping[str, Any], str]:
    """Return the client's key set, or where it is; both exclude each other (RFC 7591 §2)."""
    inline, uri = document.get("jwks"), document.get("jwks_uri")
    if inline is not None and uri is not None:
        raise InvalidClientMetadata("jwks and jwks_uri exclude each other (RFC 7591 §2)")
    if not are_needed:
        return {}, ""
    if uri is not None and not (isinstance(uri, str) and fetch.is_fetchable(uri)):
        raise InvalidClientMetadata("jwks_uri")
    if inline is None:
        return {}, uri or ""
    if not isinstance(inline, dict):
        raise InvalidClientMetadata("jwks")
    try:
        jwks.parse(inline)
    except BadKeys as error:
        raise InvalidClientMetadata(f"jwks: {error}") from error
    return inline, ""


def _further(document: Mapping[str, Any]) -> dict[str, str]:
    further = {}
    for name in (*_PAGES, *_WORDS):
        value = document.get(name)
        if value is None:
            continue
        if not isinstance(value, str) or len(value) > 2000 or not value.isprintable():
            raise InvalidClientMetadata(name)
        if name in _PAGES and not _is_page(value):
            raise InvalidClientMetadata(f"{name} must be an https page")
        further[name] = value
    return further


def _is_page(uri: str) -> bool:
    if not uris.is_plain(uri):
        return False
    parts = urlsplit(uri)
    if "@" in parts.netloc or not parts.netloc:
        return False
    return parts.scheme == "https" or (parts.scheme == "http" and uris.is_loopback(uri))
