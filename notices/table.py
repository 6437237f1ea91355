"""Rows of a file in CSV and in JSON, and those of delegations: the same columns wherever a file is written."""

import json
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from django.utils import timezone

from delegations.sentence import sentence
from kit import spreadsheet

if TYPE_CHECKING:
    from tokens.impact import UsedDelegation

COLUMNS = (
    "id", "person", "subject", "agent", "agent_name", "resource", "scopes", "expires_at", "last_used_at", "uses",
    "origin", "depth", "parent", "created_at", "ended_at", "sentence",
)  # fmt: skip


def row(delegation: "UsedDelegation") -> Mapping[str, Any]:
    """Return one delegation by column; it carries its names and its use (`tokens.impact.with_use`)."""
    values = (
        delegation.pk,
        delegation.member.email if delegation.member else "",
        delegation.subject,
        delegation.agent_id or "",
        delegation.agent.name if delegation.agent else delegation.client.name,
        delegation.audience,
        delegation.scopes,
        delegation.expires_at and delegation.expires_at.isoformat(),
        delegation.last_used_at and delegation.last_used_at.isoformat(),
        delegation.uses,
        delegation.origin,
        delegation.depth,
        delegation.parent_id or "",
        delegation.created_at.isoformat(),
        delegation.ended_at and delegation.ended_at.isoformat(),
        sentence(delegation, now=timezone.now()),
    )
    return dict(zip(COLUMNS, values, strict=True))


def csv(written: Mapping[str, Any]) -> bytes:
    """Return a row as a line of CSV that no spreadsheet takes for formulas."""
    return spreadsheet.row(_cell(value) for value in written.values())


def as_json(written: Mapping[str, Any]) -> str:
    """Return a row as an object of JSON."""
    return json.dumps(written, ensure_ascii=False)


def _cell(value: object) -> str:
    if isinstance(value, list) and all(isinstance(each, str) for each in value):
        return " ".join(value)
    if isinstance(value, dict | list):
        return json.dumps(value, ensure_ascii=False)
    return "" if value is None else str(value)
