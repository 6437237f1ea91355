"""What a person was shown and chose, and under which circumstances, in the words of a page."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from django.utils.formats import date_format
from django.utils.translation import gettext, gettext_lazy

from delegations.models import Consent, Delegation

PROOFS = {
    "password": gettext_lazy("Password"),
    "passkey": gettext_lazy("Passkey"),
    "totp": gettext_lazy("Authenticator app"),
    "recovery_code": gettext_lazy("Recovery code"),
    "company": gettext_lazy("Company sign-in"),
}


def of(delegation: Delegation, *, time_zone: str) -> Mapping[str, Any] | None:
    """Return what the page says of a delegation's consent; None where no person gave one."""
    consent = delegation.consent
    if consent is None:
        return None
    shown = consent.shown
    chosen = shown.get("chosen", {})
    ticked = set(chosen.get("scopes", ()))
    scopes = [scope for resource in shown.get("resources", ()) for scope in resource.get("scopes", ())]
    return {
        "id": consent.pk,
        "title": shown.get("title", ""),
        "warning": shown.get("warning", ""),
        "scopes": [
            {
                "title": each["title"],
                "is_ticked": each["field"] in ticked or each["is_needed"] or each["is_already_allowed"],
            }
            for each in scopes
        ],
        "cannot": [words for resource in shown.get("resources", ()) for words in resource.get("cannot", ())],
        "duration": next(
            (each["label"] for each in shown.get("durations", ()) if each["value"] == chosen.get("duration")), ""
        ),
        "redirect_host": consent.redirect_host,
        "digest": consent.shown_digest,
        "at": consent.created_at,
        "when": _moment(consent.created_at, time_zone),
        **_circumstances(consent, time_zone=time_zone),
    }


def browser_words(browser: str, system: str) -> str:
    """Say in words which browser it was; whatever it calls itself is not repeated."""
    if browser and system:
        return gettext("%(browser)s on %(system)s") % {"browser": browser, "system": system}
    return browser or system or gettext("A browser that is not known")


def _circumstances(consent: Consent, *, time_zone: str) -> Mapping[str, Any]:
    """Return where it was given, and what the person had proved when; nothing where nobody kept it."""
    known = consent.circumstances
    if known is None:
        return {"where": "", "proofs": []}
    words = {"browser": browser_words(known["browser"], known["system"]), "network": known["network"]}
    proofs = [(str(PROOFS.get(each["by"], each["by"])), datetime.fromisoformat(each["at"])) for each in known["proved"]]
    return {
        "where": gettext("%(browser)s, from the network %(network)s") % words,
        "proofs": [
            {"by": by, "at": at, "when": _moment(at, time_zone)}
            for by, at in sorted(proofs, key=lambda each: each[1], reverse=True)
        ],
    }


def _moment(at: datetime, time_zone: str) -> str:
    """Return day and minute: of a proof it counts how long before it was."""
    return date_format(at.astimezone(ZoneInfo(time_zone)), "DATETIME_FORMAT")
