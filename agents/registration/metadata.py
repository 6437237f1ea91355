"""Client metadata (RFC 7591 §2) from strangers → a frozen value. One validator for every way in.

Unknown members are ignored; what the server decides (ids, secrets, status) cannot be said. Grants beyond
`authorization_code`, `refresh_token` and `device_code` are dropped, and the answer shows what was registered instead.
"""

import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit

from kit import fetch, jwks, uris
from kit.jwks import BadKeys
from kit.oauth import AuthMethod, GrantType, InvalidClientMetadata, InvalidRedirectUri

GRANTS_OF_STRANGERS = (GrantType.AUTHORIZATION_CODE, GrantType.REFRESH_TOKEN, GrantType.DEVICE_CODE)
_ASKING = frozenset({GrantType.AUTHORIZATION_CODE.value, GrantType.DEVICE_CODE.value})
PROVING = frozenset({GrantType.CLIENT_CREDENTIALS, GrantType.TOKEN_EXCHANGE, GrantType.JWT_BEARER})
"""Grants of clients that prove who they are."""
MAX_REDIRECTS = 20
_BY_STRENGTH = (AuthMethod.PRIVATE_KEY_JWT, AuthMethod.NONE, AuthMethod.SECRET_BASIC, AuthMethod.SECRET_POST)
MAX_NAME = 100
_PAGES = ("client_uri", "logo_uri", "policy_uri", "tos_uri")
_PUT_ASIDE = ("javascript:", "data:", "vbscript:")
_UNSIGNED = ("token_endpoint_auth_signing_alg", "id_token_signed_response_alg")
_ID_JAG = "urn:ietf:params:oauth:grant-profile:id-jag"
CALLBACK = "deferred_client_notification_endpoint"
"""Where a client is called back once an answer that it waits for can be fetched (Deferred Token Response)."""
_WORDS = ("software_id", "software_version", "application_type", "scope")
MEMBERS = frozenset(
    {
        "client_name", "redirect_uris", "grant_types", "token_endpoint_auth_method",
        "token_endpoint_auth_methods_supported", "jwks", "jwks_uri", CALLBACK, *_PAGES, *_WORDS,
    }
)  # fmt: skip
"""Every member that is read."""


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
    document: Mapping[str, Any],
    *,
    default_method: AuthMethod = AuthMethod.SECRET_BASIC,
    is_public: bool = False,
    by_admin: bool = False,
) -> ClientMetadata:
    """Return checked metadata; raises InvalidClientMetadata or InvalidRedirectUri.

    Keys of a client that does not authenticate by them do not apply and are ignored, as some clients send them anyway;
    not so in a document that is public, where a bad one says that somebody published what they should not. An admin
    registers every grant and every way to prove oneself that there is.
    """
    _check_addresses(document)
    method = _auth_method(document, default_method, by_admin=by_admin)
    grants = _grant_types(document.get("grant_types"), by_admin=by_admin)
    if method == AuthMethod.NONE and PROVING & set(grants):
        raise InvalidClientMetadata("a client that proves nothing of itself has none of these grants")
    _check_algorithms(document, method)
    _check_profiles(document)
    jwks, jwks_uri = _keys(document, are_needed=is_public or method == AuthMethod.PRIVATE_KEY_JWT)
    if method == AuthMethod.PRIVATE_KEY_JWT and not (jwks or jwks_uri):
        raise InvalidClientMetadata("private_key_jwt needs jwks or jwks_uri")
    return ClientMetadata(
        name=name_of(document.get("client_name")),
        redirect_uris=_redirect_uris(document.get("redirect_uris"), grants),
        grant_types=grants,
        auth_method=method,
        further=_further(document),
        jwks=jwks,
        jwks_uri=jwks_uri,
    )


def name_of(value: object) -> str:
    """Return a name as it is shown; raises InvalidClientMetadata for one that does not show."""
    if value is None:
        return "Unnamed agent"
    if not isinstance(value, str) or not value.strip():
        raise InvalidClientMetadata("client_name")
    name = one_line(value)
    if len(name) > MAX_NAME or not shows(name):
        raise InvalidClientMetadata("client_name holds characters that do not show")
    return name


def one_line(text: str) -> str:
    """Return a text as it is kept: composed, on one line, with one space between words."""
    return " ".join(unicodedata.normalize("NFC", text).split())


def shows(text: str) -> bool:
    """Say whether every character shows, and none turns those around it."""
    return not any(unicodedata.category(character) in {"Cc", "Cf", "Cs", "Co"} for character in text)


def _redirect_uris(value: object, grants: tuple[str, ...]) -> tuple[str, ...]:
    if value is None and GrantType.AUTHORIZATION_CODE not in grants:
        return ()  # Nothing redirects to a device (RFC 7591 §2).
    if not isinstance(value, list) or not value or len(value) > MAX_REDIRECTS:
        raise InvalidRedirectUri("redirect_uris must be a list of 1 to 20")
    for uri in value:
        if not isinstance(uri, str) or len(uri) > 2000 or not uris.is_acceptable_redirect(uri):
            raise InvalidRedirectUri(f"{str(uri)[:200]!r}")
    return tuple(dict.fromkeys(value))


def _grant_types(value: object, *, by_admin: bool) -> tuple[str, ...]:
    if value is None:
        return (GrantType.CLIENT_CREDENTIALS if by_admin else GrantType.AUTHORIZATION_CODE,)
    if not isinstance(value, list) or not all(isinstance(grant, str) for grant in value):
        raise InvalidClientMetadata("grant_types")
    if by_admin:
        if unknown := set(value) - {grant.value for grant in GrantType}:
            raise InvalidClientMetadata(f"no grant is called {min(unknown)[:80]}")
        return tuple(dict.fromkeys(value))
    allowed = tuple(grant.value for grant in GRANTS_OF_STRANGERS if grant in value)
    if not _ASKING & set(allowed):
        raise InvalidClientMetadata("only authorization_code, device_code and refresh_token may be registered")
    return allowed


def _auth_method(document: Mapping[str, Any], default: AuthMethod, *, by_admin: bool) -> AuthMethod:
    value = document.get("token_endpoint_auth_method")
    several = document.get("token_endpoint_auth_methods_supported")
    if value is None and isinstance(several, list):
        # Some clients list what they can do instead of saying what they do: the strongest that is known here.
        value = next((method.value for method in _BY_STRENGTH if method.value in several), None)
    if value is None:
        return default
    try:
        method = AuthMethod(str(value))
    except ValueError as error:
        raise InvalidClientMetadata("token_endpoint_auth_method") from error
    if method not in _BY_STRENGTH and not by_admin:
        raise InvalidClientMetadata("token_endpoint_auth_method is an admin's to give")
    return method


def _keys(document: Mapping[str, Any], *, are_needed: bool) -> tuple[Mapping[str, Any], str]:
    """Return the client's key set, or where it is; both exclude each other (RFC 7591 §2)."""
    inline, uri = document.get("jwks"), document.get("jwks_uri")
    if inline is not None and uri is not None:
        raise InvalidClientMetadata("jwks and jwks_uri exclude each other (RFC 7591 §2)")
    if isinstance(inline, dict) and jwks.holds_secrets(inline):
        raise InvalidClientMetadata("jwks: a key is not a public one")
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


def _check_addresses(document: Mapping[str, Any]) -> None:
    """Refuse addresses that are programs, also in members that nobody here reads, and in other languages (§2.2)."""
    for member, value in document.items():
        name = member.partition("#")[0]
        if not name.endswith(("_uri", "_uris")) or name == "redirect_uris":
            continue
        for each in value if isinstance(value, list) else [value]:
            plain = "".join(each.split()).lower() if isinstance(each, str) else ""
            if plain.startswith(_PUT_ASIDE):
                raise InvalidClientMetadata(f"{name[:80]} is no address")


def _check_algorithms(document: Mapping[str, Any], method: AuthMethod) -> None:
    """Refuse what would leave something unsigned, and a method that nobody here could check."""
    for name in _UNSIGNED:
        value = document.get(name)
        if isinstance(value, str) and value.lower() == "none":
            raise InvalidClientMetadata(f"{name} is none")
    signing = document.get(_UNSIGNED[0])
    if method == AuthMethod.PRIVATE_KEY_JWT and signing is not None and signing not in jwks.ALGORITHMS:
        raise InvalidClientMetadata(f"{_UNSIGNED[0]} is none of {', '.join(jwks.ALGORITHMS)}")


def _check_profiles(document: Mapping[str, Any]) -> None:
    """Refuse a client that would bring identity assertion grants without the grants that take them (ID-JAG §8)."""
    profiles, grants = document.get("authorization_grant_profiles_supported"), document.get("grant_types")
    if not isinstance(profiles, list) or _ID_JAG not in profiles:
        return
    named = grants if isinstance(grants, list) else []
    if GrantType.TOKEN_EXCHANGE not in named or GrantType.JWT_BEARER not in named:
        raise InvalidClientMetadata("an ID-JAG client lists token-exchange and jwt-bearer among its grants")


def _further(document: Mapping[str, Any]) -> dict[str, str]:
    further = {}
    for name in (*_PAGES, *_WORDS, CALLBACK):
        value = document.get(name)
        if value is None:
            continue
        if not isinstance(value, str) or len(value) > 2000 or not value.isprintable():
            raise InvalidClientMetadata(name)
        if name in _PAGES and not _is_page(value):
            raise InvalidClientMetadata(f"{name} must be an https page")
        if name == CALLBACK and not fetch.is_fetchable(value):
            raise InvalidClientMetadata(f"{name} must be an https address with a host name")
        further[name] = value
    return further


def _is_page(uri: str) -> bool:
    if not uris.is_plain(uri):
        return False
    parts = urlsplit(uri)
    if "@" in parts.netloc or not parts.netloc:
        return False
    return parts.scheme == "https" or (parts.scheme == "http" and uris.is_loopback(uri))
