"""A receipt as a person reads it: what ended, and who may still accept a token until when."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from delegations.entry_names import resource_name
from delegations.sentence import clock_words, listed


def receipt_words(receipt: Mapping[str, Any], *, now: datetime, time_zone: str) -> dict[str, Any]:
    """Return the sentences of a receipt (`tokens.receipts.Receipt.as_json`), and the moment after which nothing works.

    A server that asks us has refused since the end; one that checks by itself may go on until its last token is over.
    """
    waiting = {
        resource_name(each["resource"]): datetime.fromisoformat(each["accepted_until"])
        for each in receipt["tokens"]
        if "accepted_until" in each
    }
    late = {name: until for name, until in waiting.items() if until > now}
    if not late:
        return {"until": None, "below": _below(receipt), "sentence": _("Nothing that it holds works any more.")}
    until = max(late.values())
    words = {"names": listed(sorted(late)), "until": clock_words(until, now=now, time_zone=time_zone)}
    return {
        "until": until,
        "below": _below(receipt),
        "sentence": _("No new token from now on. %(names)s may accept the last one %(until)s.") % words,
    }


def _below(receipt: Mapping[str, Any]) -> str:
    count = receipt["delegations_ended"] - 1
    if count < 1:
        return ""
    return ngettext(
        "What it handed on to another agent ended too.", "%(count)s parts that it handed on ended too.", count
    ) % {"count": count}
