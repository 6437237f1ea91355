"""An admin brings an agent by the address of its document: what it says is looked at first, then it is taken.

What comes of it is what would come of the agent's own first request: the same fetch, the same validator, the same
policy. An admin is told in words why a document cannot be taken; each no is written down, and nothing else of it.
"""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from urllib.parse import urlsplit

from django.db import IntegrityError
from django.utils.translation import gettext as _

from agents import actions, admission, managing, risk
from agents.errors import NameTaken, Unusable
from agents.models import Agent, Approval, Client
from agents.registration import document
from agents.registration.document import Described
from audit.principals import Principal
from kit import client_ids, opaque
from kit.fetch import Unfetchable
from kit.oauth import IDENTITY_SCOPES, InvalidClientMetadata, OAuthError
from tenants import directory
from tenants.models import Tenant


@dataclass(frozen=True, slots=True)
class Preview:
    """What a document says, as it would be taken: a client that is nowhere yet, and what would come of it.

    `digest` is of all that was read. `unknown` are the scopes that it names and nothing here has.
    """

    client: Client
    is_free: bool
    vouched_by: str
    scopes: Sequence[str]
    unknown: Sequence[str]
    risks: Sequence[str]
    digest: str


def look(url: str, *, by: Principal, now: datetime) -> Preview:
    """Fetch a document and say what would come of it; raises Unusable in words, or NameTaken."""
    return _preview(url, _described(url, by=by, now=now), now)


def take(url: str, *, by: Principal, now: datetime, digest: str = "") -> Client:
    """Fetch a document and make its agent and client, as their own first request would; raises as `look` does.

    Where the document is not the one that was read (`digest`), nothing is made.
    """
    described = _described(url, by=by, now=now)
    if digest and _preview(url, described, now).digest != digest:
        raise Unusable(_("The document changed while you read it. Read it again."))
    try:
        return actions.first_document(url, described.vouched, described.fresh_until, by=by)
    except IntegrityError as error:
        raise NameTaken(url) from error


def known(url: str) -> Client | None:
    """Return the client that has this address for its id."""
    return Client.objects.select_related("agent").filter(client_id=url).first()


def _described(url: str, *, by: Principal, now: datetime) -> Described:
    if directory.current().documents == Tenant.Registration.OFF:
        raise Unusable(_("Agents are not known by documents here: the ways in switch that on."))
    if flaw := _flaw(url):
        raise Unusable(flaw)
    if known(url) is not None:
        raise NameTaken(url)
    try:
        return document.described(url, now)
    except Unfetchable as error:
        managing.refuse(url, InvalidClientMetadata(str(error)), by=by)
        raise Unusable(_("It could not be had: %(why)s.") % {"why": error}) from error
    except OAuthError as refusal:
        managing.refuse(url, refusal, by=by)
        facts = {"code": refusal.code, "why": refusal.reason}
        raise Unusable(_("It was had and cannot be taken: %(code)s, %(why)s.") % facts) from refusal


def _flaw(url: str) -> str:
    """Return what is wrong with an address before anybody is asked, or ""."""
    if not url.startswith("https://"):
        return _("The address begins with https://.")
    if client_ids.is_document(url):
        return ""
    if len(url) > client_ids.LONGEST:
        return _("The address has at most %(most)s characters.") % {"most": client_ids.LONGEST}
    if _path_of(url) in {"", "/"}:
        return _("The address names a document: behind the host comes a path.")
    return _("The address has a host name, and no user, fragment or dots that lead elsewhere.")


def _path_of(url: str) -> str:
    try:
        return urlsplit(url).path
    except ValueError:
        return "?"


def _preview(url: str, described: Described, now: datetime) -> Preview:
    vouched, columns = described.vouched, actions.columns_of(described.vouched.metadata)
    source = Client.RegistrationSource.CIMD
    client = Client(client_id=url, registration_source=source, created=now, **columns)
    asking = Approval(agent=Agent(name=client.name), client=client)
    named = sorted(set(vouched.metadata.further.get("scope", "").split()))
    served = {scope for each in directory.resource_servers().values() for scope in each.scopes}
    vouched_by = vouched.issuer.name if vouched.issuer else ""
    return Preview(
        client=client,
        is_free=admission.is_free(client),
        vouched_by=vouched_by,
        scopes=named,
        unknown=[scope for scope in named if scope not in served and scope not in IDENTITY_SCOPES],
        risks=[each.words for each in risk.of(asking, now=now) if each.rule != "new"],
        digest=opaque.digest(json.dumps([columns, vouched_by], sort_keys=True)),
    )
