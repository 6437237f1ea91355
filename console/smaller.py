"""Allowing less: the form that stands on a delegation's page and on the person's own, and what its button does.

What is ticked stays, and an end is only chosen among earlier ones: the form can say nothing that is wider.
"""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from django.http import QueryDict
from django.utils.translation import gettext, ngettext

from audit.principals import Principal
from console import attempt
from delegations.entry_names import resource_name
from delegations.errors import AsItWas, DelegationOver, DelegationWidened, NothingLeft, TooLateToUndo
from delegations.models import Delegation
from delegations.rules import Duration, Limits, durations, may_put_back
from delegations.sentence import clock_words, in_a_sentence, in_words, listed, place
from tenants.errors import Stale
from tenants.models import Tenant
from tokens import narrowing
from tokens.narrowing import Narrowed

KEEP = ""


def form_of(
    delegation: Delegation, *, now: datetime, tenant: Tenant, typed: QueryDict | None = None
) -> Mapping[str, Any] | None:
    """Return the form with what holds, or with what somebody typed before; None where nothing can be made smaller."""
    scopes, ends = delegation.titles, _ends(delegation, now=now, tenant=tenant)
    if len(scopes) < 2 and not ends:
        return None
    kept = set(typed.getlist("scope")) if typed is not None else delegation.scope_set
    chosen = typed.get("end", KEEP) if typed is not None else KEEP
    return {
        "id": delegation.pk,
        "version": delegation.version,
        "scopes": [{**each, "is_kept": each["name"] in kept} for each in scopes] if len(scopes) > 1 else [],
        "ends": [(each.value, each.label, each.value == chosen) for each in ends],
        "now_ends": in_words(delegation.expires_at, now=now, time_zone=tenant.time_zone),
        "reason": typed.get("reason", "") if typed is not None else "",
        "is_open": typed is not None,
    }


def make(
    delegation: Delegation, said: QueryDict, *, by: Principal, reason: str, now: datetime, tenant: Tenant
) -> Narrowed | str:
    """Make a delegation as small as a form says; return what that did, or the words of the refusal."""
    version = _version(said)
    limits = _limits(delegation, said, now=now, tenant=tenant)
    try:
        return narrowing.narrow_delegation(delegation, limits, by=by, reason=reason, version=version)
    except Stale as error:
        return attempt.who_was_first(error.args[0])
    except DelegationOver:
        return str(attempt.OVER)
    except (DelegationWidened, NothingLeft, AsItWas) as error:
        return str(error)


def undo_of(delegation: Delegation, *, by: str, now: datetime, tenant: Tenant) -> Mapping[str, Any] | None:
    """Return when this person made it smaller, as long as they may take that back."""
    if delegation.cut_at is None or not may_put_back(delegation, by=by, now=now):
        return None
    return {
        "at": delegation.cut_at,
        "version": delegation.version,
        "when": in_words(delegation.cut_at, now=now, time_zone=tenant.time_zone),
    }


def put_back(delegation: Delegation, said: QueryDict, *, by: Principal) -> str:
    """Take back that somebody made it as small as the page showed it; return "" or the words of the refusal."""
    try:
        narrowing.put_back(delegation, by=by, version=_version(said))
    except Stale as error:
        return attempt.who_was_first(error.args[0])
    except TooLateToUndo:
        return gettext("It is too late to undo that.")
    except AsItWas as error:
        return str(error)
    return ""


def words(receipt: Mapping[str, Any], delegation: Delegation, *, now: datetime, time_zone: str) -> dict[str, Any]:
    """Return what a cut did as people read it (`tokens.narrowing.Narrowed.as_json`)."""
    late = {
        resource_name(each["resource"]): datetime.fromisoformat(each["accepted_until"])
        for each in receipt["tokens"]
        if "accepted_until" in each and datetime.fromisoformat(each["accepted_until"]) > now
    }
    lines = [_taken(receipt, delegation), _parts(receipt)]
    if late:
        until = clock_words(max(late.values()), now=now, time_zone=time_zone)
        names = {"names": listed(sorted(late)), "until": until}
        lines.append(gettext("%(names)s may accept a token for more %(until)s.") % names)
    return {"text": " ".join(filter(None, lines)), "until": max(late.values(), default=None)}


def _version(said: QueryDict) -> int:
    text = said.get("version", "")
    return int(text) if text.isdecimal() and len(text) < 18 else 0


def _limits(delegation: Delegation, said: QueryDict, *, now: datetime, tenant: Tenant) -> Limits:
    shown = {each["name"] for each in delegation.titles}
    taken = shown - set(said.getlist("scope")) if len(shown) > 1 else set()
    ends = {each.value: each.ends_at for each in _ends(delegation, now=now, tenant=tenant)}
    return Limits(delegation.scope_set - taken if taken else None, ends.get(said.get("end", KEEP)))


def _ends(delegation: Delegation, *, now: datetime, tenant: Tenant) -> list[Duration]:
    choices = durations(now, time_zone=tenant.time_zone, longest_days=tenant.longest_delegation_days)
    held = delegation.expires_at
    return [each for each in choices if held is None or each.ends_at < held]


def _taken(receipt: Mapping[str, Any], delegation: Delegation) -> str:
    titles = {}
    if delegation.resource_server is not None:
        titles = {scope.name: in_a_sentence(scope.title) for scope in delegation.resource_server.scopes.all()}
    if not receipt["taken"]:
        return gettext("It ends earlier now.")
    taken = listed([titles.get(name, name) for name in receipt["taken"]])
    return gettext("It may no longer %(taken)s at %(place)s.") % {"taken": taken, "place": place(delegation)}


def _parts(receipt: Mapping[str, Any]) -> str:
    count = receipt["parts_narrowed"] + receipt["parts_ended"]
    if not count:
        return ""
    text = ngettext(
        "%(count)d part that it handed on became smaller too.",
        "%(count)d parts that it handed on became smaller too.",
        count,
    )
    return text % {"count": count}
