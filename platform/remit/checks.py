"""What must hold before anything is served. Each has an id; an error ends the start."""

import re
import sys
from collections.abc import Iterable
from typing import Any

from django.conf import settings
from django.core.checks import CheckMessage, Error, register, run_checks
from django.core.exceptions import ImproperlyConfigured
from django.db import DatabaseError, connections
from django.db.models import Q

from kit import sealing, uris
from tenants.models import Tenant
from tokens.models import SigningKey

MIN_SECRET = 50


def refuse_unsafe_start() -> None:
    """End the process, with the reasons on stderr, if a system check of ours finds an error."""
    errors = [message for message in run_checks(include_deployment_checks=False) if message.is_serious()]
    if not errors:
        return
    for message in errors:
        sys.stderr.write(f"{message.id}: {message.msg}\n")
    sys.exit(78)  # EX_CONFIG


def _error(condition: bool, number: int, text: str) -> list[CheckMessage]:
    return [Error(text, id=f"remit.E{number:03}")] if condition else []


@register()
def configuration(app_configs: object, **kwargs: Any) -> list[CheckMessage]:
    """Secrets, origin, debug."""
    is_local = uris.is_loopback(settings.PUBLIC_ORIGIN)
    return [
        *_error(settings.DEBUG and not is_local, 1, "REMIT_DEBUG with a public origin."),
        *_error(not settings.SEALING_KEYS, 2, "REMIT_SEALING_KEYS is missing: private keys cannot be sealed."),
        *_error(_is_weak(_secret()), 3, f"REMIT_SECRET_KEY needs {MIN_SECRET} varied characters."),
        *_error(not settings.IS_HTTPS and not is_local, 4, "REMIT_PUBLIC_ORIGIN must be https outside of loopback."),
        *_error(not _is_origin(settings.PUBLIC_ORIGIN), 5, "REMIT_PUBLIC_ORIGIN is a scheme and a host, no path."),
        *_error(
            settings.IS_POSTGRESQL and "operator" not in settings.DATABASES,
            6,
            "REMIT_DATABASE_OPERATOR_URL is missing: the clock has no role of its own.",
        ),
        *_error(
            bool(settings.FETCH_LOOPBACK_HOSTS or settings.FETCH_CA_FILE) and not is_local,
            12,
            "REMIT_FETCH_LOOPBACK_HOSTS and REMIT_FETCH_CA_FILE are for development, never with a public origin.",
        ),
        *_error(
            settings.MFA_WEBAUTHN_ALLOW_INSECURE_ORIGIN and (settings.IS_HTTPS or not is_local),
            11,
            "Passkeys from an insecure origin are for http on loopback, never with a public origin.",
        ),
        *_error(
            min(settings.NOTICE_DAYS, settings.JOB_DAYS) < 1, 13, "REMIT_NOTICE_DAYS and REMIT_JOB_DAYS are 1 or more."
        ),
        *_error(not _is_page_or_none(settings.STATUS_PAGE), 14, "REMIT_STATUS_PAGE is an https address."),
    ]


@register()
def swapped_models(app_configs: object, **kwargs: Any) -> list[CheckMessage]:
    """All six models of django-oauth-toolkit are ours: a partial swap loses the tenant column."""
    names = ("APPLICATION", "ACCESS_TOKEN", "REFRESH_TOKEN", "GRANT", "ID_TOKEN", "DEVICE_GRANT")
    left = [
        name
        for name in names
        if str(getattr(settings, f"OAUTH2_PROVIDER_{name}_MODEL", "oauth2_provider")).startswith("oauth2_provider")
    ]
    return _error(bool(left), 7, f"Not swapped: {', '.join(left)}.")


@register()
def database_roles(app_configs: object, **kwargs: Any) -> Iterable[CheckMessage]:
    """On PostgreSQL the application's role obeys row-level security."""
    if not settings.IS_POSTGRESQL:
        return []
    try:
        with connections["default"].cursor() as cursor:
            cursor.execute("SELECT rolsuper OR rolbypassrls FROM pg_roles WHERE rolname = current_user")
            (is_privileged,) = cursor.fetchone()
            cursor.execute(
                "SELECT count(*) FROM pg_class WHERE relname = 'audit_entry' AND pg_has_role(relowner, 'USAGE')"
            )
            (owns,) = cursor.fetchone()
    except DatabaseError:
        return []  # Not there yet, or down: /readyz says so; a role that cannot connect is not privileged.
    return [
        *_error(is_privileged, 8, "REMIT_DATABASE_URL names a role that bypasses row-level security."),
        *_error(bool(owns), 9, "REMIT_DATABASE_URL names the owner of the tables; it must be another role."),
    ]


@register()
def sealing_keys(app_configs: object, **kwargs: Any) -> list[CheckMessage]:
    """What must sign can be opened: with another sealing key nothing could, and nothing is made anew over it."""
    known = Q(pk=None)
    for key in settings.SEALING_KEYS:
        known |= Q(sealed_private__startswith=sealing.prefix(key))
    signing = SigningKey.unscoped.using(settings.OPERATOR_ALIAS).filter(
        status__in=[SigningKey.Status.NEXT, SigningKey.Status.ACTIVE], tenant__status=Tenant.Status.ACTIVE
    )
    try:
        is_closed = signing.exclude(known).exists()
    except DatabaseError:
        return []  # Not there yet, or down: nothing can be signed either.
    return _error(is_closed, 10, "REMIT_SEALING_KEYS lacks a key with which signing keys were sealed.")


def _secret() -> str:
    try:
        return str(settings.SECRET_KEY)
    except ImproperlyConfigured:
        return ""


def _is_weak(secret: str) -> bool:
    return len(secret) < MIN_SECRET or len(set(secret)) < 10


def _is_page_or_none(address: str) -> bool:
    return not address or (uris.is_plain(address) and re.fullmatch(r"https://[^/?#@]+([/?#].*)?", address) is not None)


def _is_origin(origin: str) -> bool:
    return uris.is_plain(origin) and re.fullmatch(r"https?://[^/?#@]+", origin) is not None
