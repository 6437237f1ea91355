"""Does a resource server take our tokens, and only those? Asked of the server itself (docs/decisions/0034).

What it is shown is good for nothing: no delegation stands behind it, no scope is in it, no row knows it.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from urllib.parse import urlsplit

from django.db import transaction
from django.utils.translation import gettext as _

from audit.events import Event
from audit.ledger import record
from audit.principals import Principal
from kit import identifiers, opaque, uris
from kit.fetch import Answered, Missing, Unfetchable
from tenants.errors import NotActive, Unusable
from tenants.models import ResourceServer, Tenant
from tokens import keys
from tokens.checking.steps import FAILED, Check, Failed, Step, allows, walk
from tokens.formats import access_token
from trust import outbound

LIMIT = 32 * 1024
LIFE = timedelta(seconds=60)
LONG_OVER = timedelta(hours=1)
CLIENT = "probe"
MAX_SHOWN = 120
"""How much of a challenge is shown; no body is read at all."""


@dataclass(frozen=True, slots=True)
class Report:
    """What a server answered at `at`, step by step."""

    at: datetime
    steps: tuple[Step, ...]

    @property
    def is_right(self) -> bool:
        return allows(self.steps)

    @property
    def failed(self) -> str:
        """The name of the step that failed, or ""."""
        return next((step.name for step in self.steps if step.verdict == FAILED), "")

    def as_json(self) -> Mapping[str, Any]:
        return {"at": self.at, "passed": self.is_right, "steps": [step.as_json() for step in self.steps]}


def probe(server: ResourceServer, tenant: Tenant, *, by: Principal, now: datetime) -> Report:
    """Ask a resource server and keep what came of it; raises Unusable or NotActive.

    One at a time for whoever asks (`outbound.looking`).
    """
    if server.identifier == tenant.api_identifier:
        raise Unusable(_("This is this product's own API. There is nothing to set up."))
    if server.retired_at is not None:
        raise NotActive(server.pk)
    with outbound.looking(by.id):
        report = Report(now, tuple(walk(_checks(server, tenant, now))))
    _keep(server, report, by=by)
    return report


@transaction.atomic
def _keep(server: ResourceServer, report: Report, *, by: Principal) -> None:
    ResourceServer.objects.filter(pk=server.pk).update(probed_at=report.at, probe_failed=report.failed)
    steps = [f"{step.name}: {step.verdict}" for step in report.steps]
    record(Event.RESOURCE_PROBED, by=by, about=server, detail={"passed": report.is_right, "steps": steps})


def _checks(server: ResourceServer, tenant: Tenant, now: datetime) -> Iterator[tuple[str, Check]]:
    yield "document", lambda: _document(server, tenant)
    yield "stranger", lambda: _refuses(server, "", is_bare=True)
    if server.token_format == ResourceServer.TokenFormat.OPAQUE:
        unknown = f"{identifiers.make('tok')}.{opaque.make()}"
        yield "unknown", lambda: _refuses(server, unknown)
        return
    yield "expired", lambda: _refuses(server, _token(server, tenant, now=now - LONG_OVER))
    yield "elsewhere", lambda: _refuses(server, _token(server, tenant, audience=f"{tenant.issuer}/probe", now=now))
    if server.asks_each_time:
        # We say of it what we say of every token that nobody was given: that it is not alive.
        yield "unknown", lambda: _refuses(server, _token(server, tenant, now=now))
    else:
        yield "good", lambda: _takes(server, _token(server, tenant, now=now))


def _document(server: ResourceServer, tenant: Tenant) -> str:
    """Check the server's metadata (RFC 9728 §3.3)."""
    if server.hosts_metadata:
        return _("It is served here.")
    url = metadata_url(server.identifier)
    try:
        found = outbound.fetch_json(url, limit=LIMIT, may_be_missing=True).document
    except Missing as error:
        raise Failed(_("There is no metadata document at its address."), said=url) from error
    except Unfetchable as error:
        raise Failed(_("Its metadata document could not be had: %(why)s.") % {"why": error}, said=url) from error
    named = found.get("resource")
    if not isinstance(named, str) or uris.canonical_resource(named) != server.identifier:
        raise Failed(_("Its document is about another resource."), said=_shown(f"resource: {named}"))
    servers = found.get("authorization_servers")
    if not isinstance(servers, list) or tenant.issuer not in servers:
        raise Failed(_("Its document does not name this issuer."), said=_shown(f"authorization_servers: {servers}"))
    return url


def metadata_url(identifier: str) -> str:
    """Return where the metadata of a resource is: between its host and its path (RFC 9728 §3.1)."""
    parts = urlsplit(identifier)
    query = f"?{parts.query}" if parts.query else ""
    path = parts.path.rstrip("/")
    return f"{parts.scheme}://{parts.netloc}/.well-known/oauth-protected-resource{path}{query}"


def _refuses(server: ResourceServer, token: str, *, is_bare: bool = False) -> str:
    """Check that a server answers 401, and to whoever comes with nothing where to go (RFC 9728 §5.1)."""
    answered = _ask(server, token)
    said = _said(answered)
    if answered.status != 401:
        raise Failed(_("It answered %(status)s, and not 401.") % {"status": answered.status}, said=said)
    if not answered.challenge.lower().startswith("bearer"):
        raise Failed(_("Its 401 has no challenge in WWW-Authenticate."), said=said)
    if is_bare and "resource_metadata=" not in answered.challenge.lower():
        raise Failed(_("Its challenge does not say where its document is (resource_metadata)."), said=said)
    return said


def _takes(server: ResourceServer, token: str) -> str:
    """Check that a server knows a token as ours. That it then refuses what has no scope is as it should be."""
    answered = _ask(server, token)
    if answered.status == 401:
        raise Failed(_("It refused a token that is good."), said=_said(answered))
    if not (200 <= answered.status < 300 or 400 <= answered.status < 500):
        raise Failed(_("It answered %(status)s to a good token.") % {"status": answered.status}, said=_said(answered))
    return _said(answered)


def _ask(server: ResourceServer, token: str) -> Answered:
    try:
        return outbound.look(server.identifier, authorization=f"Bearer {token}" if token else "")
    except Unfetchable as error:
        raise Failed(_("It did not answer: %(why)s.") % {"why": error}) from error


def _token(server: ResourceServer, tenant: Tenant, *, now: datetime, audience: str = "") -> str:
    """Return a token that is ours by its signature and lets nobody do anything: never recorded, without any scope."""
    issued, token_id = int(now.timestamp()), identifiers.make("prb")
    claims = {
        "iss": tenant.issuer,
        "sub": token_id,
        "client_id": CLIENT,
        "scope": "",
        "aud": audience or server.identifier,
        "iat": issued,
        "exp": issued + int(LIFE.total_seconds()),
        "jti": token_id,
    }
    return keys.sign_with(keys.signer(server.signing_algorithm), claims, typ=access_token.TYP)


def _said(answered: Answered) -> str:
    return _shown(f"{answered.status} {answered.challenge}".strip())


def _shown(text: str) -> str:
    return "".join(each if each.isprintable() else "?" for each in text[:MAX_SHOWN])
