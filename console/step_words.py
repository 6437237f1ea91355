"""Steps of a judgement in words, for the pages: what each looked at, and what became of it."""

from collections.abc import Iterable, Mapping
from typing import Any

from django.utils.functional import Promise
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from tokens.checking.steps import FAILED, PASSED, Step

_TITLES = {
    # The access check.
    "agent": _("The agent is active"),
    "client": _("It proves who it is"),
    "person": _("The person is active"),
    "resource": _("The resource is registered"),
    "scopes": _("The resource knows the scopes"),
    "delegation": _("Somebody lets it act there"),
    "chain": _("It may be passed on this far"),
    "ceiling": _("It was approved for that much"),
    "narrowing": _("All limits together leave something"),
    # The rooms of a token request.
    "request": _("The request can be read"),
    "grant": _("It may ask in this way"),
    "proof": _("What it presented is good"),
    "mint": _("Nothing ended meanwhile"),
}
# In a refused request the same word stands for what was asked for, not for the one who asks beforehand.
_ROOM_TITLES = {"resource": _("The resource is part of what was allowed"), "scopes": _("The scopes are part of it")}
_ICONS = {PASSED: "check", FAILED: "cross"}


def in_words(
    steps: Iterable[Step], *, is_refusal: bool = False, further: Mapping[str, str | Promise] | None = None
) -> list[dict[str, Any]]:
    """Return the steps as the part `ui/steps.html` shows them; `further` are titles of another judgement's steps."""
    titles = {**_TITLES, **(_ROOM_TITLES if is_refusal else {}), **(further or {})}
    return [
        {
            "title": titles.get(step.name, step.name),
            "verdict": step.verdict,
            "icon": _ICONS.get(step.verdict, "dash"),
            "said": step.said,
            "reason": step.reason,
        }
        for step in steps
    ]


def remedy(steps: Iterable[Step]) -> str:
    """Return what would allow it, or "" where nothing failed; of a refusal that was kept it was kept in English."""
    kept = next((step.remedy for step in steps if step.verdict == FAILED), "")
    return gettext(kept) if kept else ""
