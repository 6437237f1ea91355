"""What one run left behind, in words that are the same wherever the same was done."""

import re
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from django.core import mail
from django.db import models
from django.utils import timezone

from audit.models import Entry
from kit import context
from tenants.models import Tenant, User
from tests.harness import footprint
from tests.harness.twins.playing import taken_back
from tests.harness.world import World

SECRET = "the digest of a secret that was made by chance"
SEALED = "sealed with a nonce: the same text is another each time"
MADE = "a key is made by chance, and its name after it"
MASKED = {
    "agents_client.client_secret": SECRET,
    "agents_client.further_secrets.digest": SECRET,
    "agents_registrationtoken.digest": SECRET,
    "tenants_invitation.digest": SECRET,
    "notices_webhook.secret": SEALED,
    "tokens_signingkey.kid": MADE,
    "tokens_signingkey.public.kid": MADE,
    "tokens_signingkey.public.x": MADE,
    "tokens_signingkey.public.y": MADE,
    "tokens_signingkey.sealed_private": MADE,
    "trust_identityprovider.client_secret": SEALED,
}
"""Columns that are another each time, and why; of JSON a member in them. That something is there is compared."""
CHANCE = {
    re.compile(r"(?<=/invitation/)[\w-]{43}"): "the secret of an invitation, which stands in its letter alone",
    re.compile(r"(?<= key )[\w-]{8}$"): "what a key is called: the beginning of its name",
}
"""What of a text is another each time, and why."""
COUNTED_DOWN = {"time_to_zero": "seconds from the moment of the request to a moment that stands"}
"""What a receipt counts from its own moment: compared as the moment that it means."""
HOW_ONE_CAME = {
    "request_id": "each request has a name of its own",
    "proof": "on a page by what one signed in, over the API by the token of an app",
    "proved_at": "when that was",
}
"""What of an entry differs by nature, and why."""
NEAR = timedelta(seconds=20)
"""Moments that are no further apart, each from the beginning of its own run, are the same."""
_ID = re.compile(r"\b[a-z]{3}_[0-9a-z]{26}\b")
_MOMENT = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?(\+00:00|Z)")


@dataclass(frozen=True, repr=False)
class Moment:
    """A moment that equals another if both are one, or as long after the beginnings of their runs."""

    at: datetime
    began: datetime

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Moment):
            return NotImplemented
        return self.at == other.at or abs((self.at - self.began) - (other.at - other.began)) < NEAR

    __hash__ = None  # type: ignore[assignment]

    def __repr__(self) -> str:
        return f"<{self.at - self.began} later>"


@dataclass(frozen=True)
class Left:
    """What became of rows, what the ledger says, and which letters were sent."""

    rows: list[Any]
    told: list[Any]
    letters: list[Any]


def differences(page: Any, api: Any, at: str = "") -> list[str]:
    """Return where two of them are not alike, each with what is there on either side."""
    if isinstance(page, Left):
        return [each for name in ("told", "rows", "letters") for each in _differ(page, api, name)]
    if isinstance(page, dict) and isinstance(api, dict):
        both = sorted({*page, *api}, key=str)
        return [each for name in both for each in differences(page.get(name), api.get(name), f"{at}.{name}")]
    if isinstance(page, list) and isinstance(api, list) and len(page) == len(api):
        pairs = enumerate(zip(page, api, strict=True))
        return [each for number, (one, other) in pairs for each in differences(one, other, f"{at}[{number}]")]
    return [] if page == api else [f"{at}: on the page {page!r}, over the API {api!r}"]


def _differ(page: Left, api: Left, name: str) -> list[str]:
    return differences(getattr(page, name), getattr(api, name), name)


def left_by(world: World, do: Callable[[], None]) -> Left:
    """Do something and take it back; return what it had left."""
    before, entries = _there(world), {each.pk for each in world.entries()}
    with taken_back():
        mail.outbox, plain = [], Plain({key for _, key, _ in before} | entries)
        do()
        after = _there(world)
        come = _values(world, after - before)
        told = [plain.of(_told(each)) for each in world.entries() if each.pk not in entries]
        letters = [plain.of([each.to, each.subject, each.body]) for each in mail.outbox]
    gone = _values(world, before - after)
    rows = [plain.of(_change(key, gone.get(key), come.get(key))) for key in sorted(gone.keys() | come.keys())]
    return Left(rows, told, letters)


@dataclass
class Plain:
    """Gives what is new a label: `known` are the keys that were there before."""

    known: set[str]
    began: datetime = field(default_factory=timezone.now)
    labels: dict[str, str] = field(default_factory=dict)

    def of(self, value: Any) -> Any:
        if isinstance(value, datetime):
            return Moment(value, self.began)
        if isinstance(value, str):
            if _MOMENT.fullmatch(value):
                return Moment(datetime.fromisoformat(value), self.began)
            for each in CHANCE:
                value = each.sub("<by chance>", value)
            return _ID.sub(self._label, value)
        if isinstance(value, Mapping):
            return {self.of(name): self.of(self._meant(name, each)) for name, each in value.items()}
        return [self.of(each) for each in value] if isinstance(value, list | tuple) else value

    def _meant(self, name: str, value: Any) -> Any:
        return self.began + timedelta(seconds=value) if name in COUNTED_DOWN else value

    def _label(self, found: "re.Match[str]") -> str:
        name = found[0]
        if name in self.known:
            return name
        return self.labels.setdefault(name, f"new {name[:3]} {len(self.labels) + 1}")


Key = tuple[str, str]
"""A row: its table and its primary key."""


def _there(world: World) -> set[tuple[str, str, str]]:
    """Return the tenant's rows, itself and its people's accounts among them."""
    itself, accounts = Tenant.objects.filter(pk=world.tenant.pk), User.objects.filter(memberships__tenant=world.tenant)
    beside = [(found.model._meta.db_table, found) for found in (itself, accounts)]
    return {
        *footprint.rows(world),
        *((table, row["id"], str(row)) for table, found in beside for row in found.values()),
    }


def _values(world: World, found: Iterable[tuple[str, str, str]]) -> dict[Key, dict[str, Any]]:
    """Return the columns of rows; a key that is counted up is no part of them."""
    keys = defaultdict(set)
    for table, key, _ in found:
        keys[table].add(key)
    tables: dict[str, Any] = {**footprint.kept(), **{each._meta.db_table: each for each in (Tenant, User)}}
    values = {}
    with context.use(world.tenant):
        for table, pks in keys.items():
            key = tables[table]._meta.pk
            for row in tables[table]._base_manager.filter(pk__in=pks).values():
                pk = str(row[key.attname])
                values[table, pk] = {**row, key.attname: "a number"} if isinstance(key, models.AutoField) else row
    return values


def _change(key: Key, was: Mapping[str, Any] | None, now: Mapping[str, Any] | None) -> Any:
    table = key[0]
    if was is None:
        return [f"{table} added", _masked(table, now)]
    if now is None:
        return [f"{table} removed", key[1]]
    # Masked behind the comparison: that a secret became another one is seen.
    changed = [name for name in was if was[name] != now[name]]
    return [f"{table} changed", key[1], {each: _masked(f"{table}.{each}", [was[each], now[each]]) for each in changed}]


def _masked(path: str, value: Any) -> Any:
    if isinstance(value, list):
        return [_masked(path, each) for each in value]
    if path in MASKED:
        return value and f"<some {path}>"
    if isinstance(value, Mapping):
        return {name: _masked(f"{path}.{name}", each) for name, each in value.items()}
    return value


def _told(entry: Entry) -> dict[str, Any]:
    own = {"id", "tenant_id", *HOW_ONE_CAME}
    names = [each.attname for each in Entry._meta.concrete_fields if each.attname not in own]
    return {name: getattr(entry, name) for name in names}
