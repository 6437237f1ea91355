"""One agent as a file for an auditor: all that is known of it at a moment, bounded, and signed by its tenant.

`{"record": {…}, "sha256": "…", "jws": "…"}`: `sha256` is the digest of the record as RFC 8785 writes it, and `jws` says
whose record of which agent has it, and when it was made (`iss`, `agent`, `iat`). The record holds

- `agent`: what it is and is for, its limits, and who answers for it, by id, name and mail address;
- `clients`: how it comes in, each with its credentials by id or thumbprint, and never a secret;
- `approvals`, newest first: what was asked and decided, by whom;
- `delegations`: how many live and are over, by resource, and for how many people; none by name;
- `handovers`: to whom it may hand on, and by whom it is handed to;
- `refusals`: the newest within seven days; and `story`: the newest entries about it;
- `ledger`: how far the tenant's ledger was chained then, and the digest of that link.

Of each list that is bounded `is_all` says whether it is the whole. Moments are ISO 8601.
"""

import hashlib
import json
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

from django.db import transaction
from django.db.models import Count, Max, Min, Q

from agents import credentials
from agents.credentials import Credential
from agents.models import Agent, Approval, Client, Handover
from audit import chain, ledger
from audit.events import Event
from audit.models import Entry
from audit.principals import Principal
from delegations.models import Delegation
from tenants.models import Membership, Tenant
from tokens import keys
from tokens.checking import history

TYP, ALGORITHM = "remit-agent-evidence+jwt", "ES256"
MOST = 100
"""How many approvals, refusals and entries are in it, and how many clients and resources: the newest of each."""
LATELY = timedelta(days=7)
PEOPLE = ("owner__user", "sponsor__user", "successor__user")
"""What an agent is fetched with, for whoever hands out its file."""


@transaction.atomic
def hand_out(agent: Agent, tenant: Tenant, *, by: Principal, now: datetime) -> Mapping[str, Any]:
    """Return the file of an agent, and write down who took it."""
    record = _record(agent, tenant, now=now)
    digest = hashlib.sha256(canonical(record)).hexdigest()
    claims = {"iss": tenant.issuer, "iat": int(now.timestamp()), "agent": agent.pk, "sha256": digest}
    ledger.record(Event.AGENT_EXPORTED, by=by, about=agent, detail={"form": "json", "sha256": digest})
    return {"record": record, "sha256": digest, "jws": keys.sign(claims, typ=TYP, algorithm=ALGORITHM)}


def canonical(record: Mapping[str, Any]) -> bytes:
    """Return a record as RFC 8785 writes it: it holds texts, whole numbers, lists and objects, under names in ASCII."""
    return json.dumps(record, ensure_ascii=False, sort_keys=True, separators=(",", ":")).encode()


def _record(agent: Agent, tenant: Tenant, *, now: datetime) -> dict[str, Any]:
    clients = list(agent.clients.order_by("-pk")[: MOST + 1])
    held = credentials.of_each(clients)
    about = Entry.objects.filter(about_kind="agent", about_id=agent.pk).order_by("-pk")
    refused = history.refusals_through(agent, since=now - LATELY)
    sealed = chain.sealed()
    return {
        "issuer": tenant.issuer,
        "made_at": now.isoformat(),
        "agent": _agent(agent),
        "clients": _bounded([_client(each, held[each.pk]) for each in clients]),
        "approvals": _bounded([_approval(each) for each in _approvals(agent)]),
        "delegations": _delegations(agent, now),
        "handovers": _handovers(agent),
        "refusals": {"since": (now - LATELY).isoformat(), **_bounded([_entry(each) for each in refused])},
        "story": _bounded([_entry(each) for each in about[: MOST + 1]]),
        "ledger": {"sequence": sealed.sequence, "entry": sealed.entry_id, "digest": sealed.digest},
    }


def _bounded(lines: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    return {"lines": list(lines[:MOST]), "is_all": len(lines) <= MOST}


def _agent(agent: Agent) -> dict[str, Any]:
    further = [each.member for each in agent.co_owners.select_related("member__user").order_by("pk")]
    return {
        "id": agent.pk,
        "name": agent.name,
        "purpose": agent.purpose,
        "status": agent.status,
        "registration": agent.registration,
        "owner": _member(agent.owner),
        "co_owners": [_member(each) for each in further],
        "sponsor": _member(agent.sponsor),
        "successor": _member(agent.successor),
        "ceiling": agent.ceiling,
        "people": agent.people,
        "longest_seconds": agent.longest_seconds,
        "approved_until": _said(agent.approved_until),
        "created_at": _said(agent.created_at),
        "admitted_at": _said(agent.admitted_at),
        "retired_at": _said(agent.retired_at),
        "ended_at": _said(agent.ended_at),
    }


def _member(member: Membership | None) -> dict[str, str] | None:
    return {"id": member.pk, "name": member.name, "email": member.email} if member else None


def _client(client: Client, held: Sequence[Credential]) -> dict[str, Any]:
    return {
        "id": client.pk,
        "client_id": client.client_id,
        "name": client.name,
        "status": client.status,
        "registered": client.registration_source,
        "proves_itself_by": client.auth_method,
        "grant_types": client.grant_types,
        "redirect_uris": client.redirect_uris,
        "jwks_uri": client.jwks_uri,
        "digest": client.digest,
        "created_at": _said(client.created),
        "credentials": [
            {
                "id": each.id,
                "kind": each.kind,
                "is_usable": each.is_usable,
                "made_at": _said(each.made_at),
                "first_used_at": _said(each.first_used_at),
                "last_used_at": _said(each.last_used_at),
                "ends_at": _said(each.ends_at),
            }
            for each in held
        ],
        "pinned_keys": sorted(client.key_pins),
    }


def _approvals(agent: Agent) -> Sequence[Approval]:
    return list(agent.approvals.select_related("decided_by__user").order_by("-pk")[: MOST + 1])


def _approval(approval: Approval) -> dict[str, Any]:
    return {
        "id": approval.pk,
        "kind": approval.kind,
        "status": approval.status,
        "asked": approval.asked,
        "own": approval.own,
        "changes": approval.changes,
        "ceiling": approval.ceiling,
        "until": _said(approval.until),
        "reason": approval.reason,
        "created_at": _said(approval.created_at),
        "decided_at": _said(approval.decided_at),
        "decided_by": _member(approval.decided_by),
    }


def _delegations(agent: Agent, now: datetime) -> dict[str, Any]:
    """Return in numbers what it was allowed, by resource; one that an agent above it stops counts as over."""
    held, live = Delegation.objects.filter(agent=agent).order_by(), Delegation.objects.live(now)
    by_resource = held.values("audience").annotate(
        alive=Count("pk", filter=Q(pk__in=live.values("pk"))),
        everything=Count("pk"),
        people=Count("member", distinct=True, filter=Q(pk__in=live.values("pk"))),
        first=Min("created_at"),
        last=Max("created_at"),
    )
    lines = [
        {
            "resource": each["audience"],
            "live": each["alive"],
            "over": each["everything"] - each["alive"],
            "people": each["people"],
            "first_at": _said(each["first"]),
            "last_at": _said(each["last"]),
        }
        for each in by_resource.order_by("-last", "audience")[: MOST + 1]
    ]
    return _bounded(lines)


def _handovers(agent: Agent) -> dict[str, Any]:
    found = (
        Handover.objects.filter(Q(agent=agent) | Q(to_agent=agent)).select_related("agent", "to_agent").order_by("pk")
    )
    given = [each for each in found if each.agent_id == agent.pk]
    taken = [each for each in found if each.to_agent_id == agent.pk]
    return {
        "to": [{"id": each.to_agent.pk, "name": each.to_agent.name} for each in given],
        "by": [{"id": each.agent.pk, "name": each.agent.name} for each in taken],
    }


def _entry(entry: Entry) -> dict[str, Any]:
    return {
        "id": entry.pk,
        "at": entry.at.isoformat(),
        "event": entry.event,
        "by": {"kind": entry.principal_kind, "id": entry.principal_id, "name": entry.principal_label},
        "on_behalf_of": entry.on_behalf_of,
        "reason": entry.reason,
        "request_id": entry.request_id,
    }


def _said(moment: datetime | None) -> str | None:
    return moment.isoformat() if moment else None
