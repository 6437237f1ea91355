"""Signing keys: is rotation healthy, who knows the next key already, and what to do when one leaked."""

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

from django import forms
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.utils.translation import gettext, gettext_lazy
from django.utils.translation import gettext_lazy as _
from django.views.decorators.http import require_http_methods

from audit.events import Event
from audit.models import Entry
from console.access import for_admins, for_keepers, for_present_members, principal
from delegations.sentence import in_words, listed
from tenants import directory
from tokens import emergency, fetchers, keys, rotating, rotation, signed, timeline
from tokens.endpoints.request import MemberRequest
from tokens.errors import KeyIsOver, NotKnownYet
from tokens.models import KeyFetch, SigningKey
from tokens.signed import Share

Status = SigningKey.Status
GONE_SHOWN, MISSING_SHOWN = 6, 5
_ORDER = [Status.NEXT, Status.ACTIVE, Status.RETIRED, Status.COMPROMISED, Status.DESTROYED]
_LABELS = {
    Status.NEXT: gettext_lazy("Next"),
    Status.ACTIVE: gettext_lazy("Signing"),
    Status.RETIRED: gettext_lazy("Verify only"),
    Status.COMPROMISED: gettext_lazy("Leaked"),
    Status.DESTROYED: gettext_lazy("Gone"),
}


@for_keepers
def listing(request: MemberRequest, *, said: str = "", status: int = 200) -> HttpResponse:
    now = timezone.now()
    published = list(SigningKey.objects.filter(status__in=keys.PUBLISHED))
    gone = SigningKey.objects.exclude(status__in=keys.PUBLISHED).order_by("-destroy_at", "-pk")[:GONE_SHOWN]
    found, seen = [*published, *gone], list(fetchers.seen(now)[: fetchers.MOST])
    known_after = rotating.known_after(now)
    following, shares = [key for key in published if key.status == Status.NEXT], signed.shares(now)
    content = {
        "keys": [
            {
                **_row(key, found, seen, request, now, known_after),
                **_use(key, shares),
                "question": _asked(key, published, seen, shares, now, known_after),
            }
            for key in sorted(found, key=_place)
        ],
        "most_counted": 0 if all(each.is_all for each in shares.values()) else signed.MOST,
        "fetchers": len(seen),
        "missing": [_fetcher(each, now) for each in seen if any(not fetchers.has(each, key) for key in following)],
        "shown": MISSING_SHOWN,
        "timeline": timeline.ahead(published, now=now),
        "days_words": _days(),
        "may_change": request.member.is_admin,
        "said": said,
    }
    return render(request, "console/keys.html", content, status=status)


class Rotating(forms.Form):
    reason = forms.CharField(label=_("Why? You may leave this empty"), max_length=500, required=False)


@require_http_methods(["GET", "HEAD", "POST"])
@for_admins
def rotate(request: MemberRequest) -> HttpResponse:
    """Ask, where no dialog did, and let the next key sign."""
    now, is_sent = timezone.now(), request.method == "POST"
    said = request.POST if is_sent else request.GET
    algorithm, form = said.get("algorithm", "").replace("\x00", "")[:8], Rotating(said if is_sent else None)
    try:
        foreseen = rotating.foresee(algorithm, now=now)
        if is_sent and form.is_valid():
            rotating.rotate(algorithm, now=now, by=principal(request), reason=form.cleaned_data["reason"])
            return redirect("console-keys")
    except NotKnownYet as refusal:
        when = in_words(refusal.ready_at, now=now, time_zone=request.tenant.time_zone) if refusal.ready_at else ""
        later = gettext("Not everybody may know the next key yet. Try again %(when)s.")
        words = later if when else gettext("Not everybody may know the next key yet.")
        return listing(request, said=words % {"when": when}, status=409)
    content = {"of": _question(foreseen, now), "form": form, "algorithm": algorithm}
    return render(request, "console/key_rotate.html", content, status=422 if is_sent else 200)


@require_http_methods(["GET", "HEAD", "POST"])
@for_admins
@for_present_members
def leaked(request: MemberRequest, key_id: str) -> HttpResponse:
    """Show what ending a key would end; end it, once its name was typed; and afterwards what it ended."""
    key = get_object_or_404(SigningKey, pk=key_id)
    if request.method == "POST":
        return _end(request, key)
    entry = Entry.objects.filter(event=Event.KEY_COMPROMISED, about_id=key.pk).first()
    if entry is not None:
        return _page(request, key, entry.detail["receipt"], entry=entry)
    return _page(request, key, _foreseen(key))


def _end(request: MemberRequest, key: SigningKey) -> HttpResponse:
    typed, reason = (request.POST.get(name, "").replace("\x00", "").strip() for name in ("typed", "reason"))
    if typed != request.tenant.slug or not reason:
        said = gettext("Say what happened.") if not reason else gettext("That is not the name.")
        return _page(request, key, _foreseen(key), said=said, reason=reason, status=422)
    try:
        emergency.compromise(key, now=timezone.now(), by=principal(request), reason=reason[:500])
    except KeyIsOver:
        return listing(request, said=gettext("This key was ended already."), status=409)
    return redirect("leaked-key", key.pk)


def _foreseen(key: SigningKey) -> dict[str, Any] | None:
    try:
        return dict(emergency.foresee(key, now=timezone.now()).as_json())
    except KeyIsOver:
        return None


def _page(
    request: MemberRequest, key: SigningKey, receipt: dict[str, Any] | None, *, status: int = 200, **further: Any
) -> HttpResponse:
    content: dict[str, Any] = {"key": key, "receipt": receipt, **further}
    if receipt is not None:
        content["until"] = datetime.fromisoformat(receipt["accepted_until"])
        content["minutes"] = round(receipt["time_to_zero"] / 60)
        content["resources"] = [{**each, "name": _name(each["resource"])} for each in receipt["tokens"]]
    return render(request, "console/key_leaked.html", content, status=status)


def _name(audience: str) -> str:
    protected = directory.resource_server(audience)
    return protected.server.name if protected else audience


def _days() -> str:
    """Say how often a key is replaced; once, where it is the same for every algorithm."""
    days = {algorithm: rotation.life(algorithm).days for algorithm in keys.ALGORITHMS}
    if len(set(days.values())) == 1:
        return gettext("Every {days} days").format(days=days[keys.ALGORITHMS[0]])
    words = listed([gettext("every {days} days ({algorithm})").format(days=n, algorithm=a) for a, n in days.items()])
    return words[:1].upper() + words[1:]


def _place(key: SigningKey) -> tuple[int, str, str]:
    return _ORDER.index(Status(key.status)), key.algorithm, key.pk


def _row(
    key: SigningKey,
    found: list[SigningKey],
    seen: list[KeyFetch],
    request: MemberRequest,
    now: datetime,
    known_after: timedelta,
) -> dict[str, Any]:
    following = next((each for each in found if (each.status, each.algorithm) == (Status.NEXT, key.algorithm)), None)
    ready = key.created_at + known_after
    ends = {Status.NEXT: key.activate_at, Status.ACTIVE: following.activate_at if following else None}
    return {
        "id": key.pk,
        "kid": key.kid,
        "algorithm": key.algorithm,
        "carries": ("algorithm", key.algorithm),
        "status": key.status,
        "label": _LABELS[Status(key.status)],
        "from": key.created_at if key.status == Status.NEXT else key.activate_at,
        "to": ends.get(Status(key.status), key.retire_at),
        "gone": key.destroy_at,
        "fetched": sum(fetchers.has(each, key) for each in seen),
        "is_published": key.status in keys.PUBLISHED,
        "may_rotate": key.status == Status.NEXT and now >= ready,
        "ready": ready if key.status == Status.NEXT and now < ready else None,
        "ready_words": in_words(ready, now=now, time_zone=request.tenant.time_zone),
    }


def _asked(
    key: SigningKey,
    published: list[SigningKey],
    seen: list[KeyFetch],
    shares: Mapping[str, Share],
    now: datetime,
    known_after: timedelta,
) -> dict[str, Any] | None:
    """Return what the dialog of a next key asks, from what its page has read."""
    if key.status != Status.NEXT:
        return None
    active = next((each for each in published if (each.status, each.algorithm) == (Status.ACTIVE, key.algorithm)), None)
    foreseen = rotating.weigh(key, active, seen, shares, known_after=known_after)
    return {**_question(foreseen, now), "form": Rotating(auto_id=f"rotate-{key.algorithm}-%s")}


def _question(foreseen: rotating.Foreseen, now: datetime) -> dict[str, Any]:
    return {
        "kid": foreseen.key.kid,
        "programs": foreseen.programs,
        "missing": [_fetcher(each, now) for each in foreseen.missing[:MISSING_SHOWN]],
        "missing_number": len(foreseen.missing),
        "good_tokens": foreseen.good_tokens,
        "hours": round(rotation.KEPT_AFTER.total_seconds() / 3600),
    }


def _use(key: SigningKey, shares: Mapping[str, Share]) -> dict[str, Any]:
    """Return how many of the tokens that are good now a key signed, and which share of them that is."""
    share = shares.get(key.kid)
    return {"tokens": share.tokens if share else 0, "percent": share.percent if share else 0}


def _fetcher(fetch: KeyFetch, now: datetime) -> dict[str, Any]:
    return {"program": fetch.program, "network": fetch.network, "last": in_words(fetch.last_at, now=now)}
