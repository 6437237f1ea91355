"""The settings in parts, each with the form in which an admin changes it."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from django import forms
from django.conf import settings
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from console.admin.ways_in import read_hosts
from tenants.models import Tenant


@dataclass(frozen=True, slots=True)
class Part:
    """Settings that are saved together: their word in the address, what they are called, and what they are about."""

    word: str
    label: str | Promise
    text: str | Promise
    fields: Sequence[str]


PARTS = (
    Part(
        "here",
        _("This organisation"),
        _("Where one is, which day it is here, and what people read who chose nothing."),
        ("environment", "time_zone", "language"),
    ),
    Part(
        "colours",
        _("Colours"),
        _("Of the pages where people sign in, decide and look at their agents. What nobody could read is refused."),
        ("accent", "accent_dark"),
    ),
    Part(
        "arriving",
        _("Who comes in"),
        _("By which ways agents come that nobody here knows yet."),
        ("registration", "registration_needs_token", "documents", "admitted_hosts", "workloads"),
    ),
    Part(
        "devices",
        _("Codes of devices"),
        _("Where a person may type in a code that a device shows."),
        ("device_codes", "trusted_networks"),
    ),
    Part(
        "access",
        _("Access and its end"),
        _("How long it lasts at most, and when it ends by itself."),
        ("longest_delegation_days", "consent_choices", "unused_days", "access_token_seconds", "default_resource"),
    ),
    Part(
        "handing-on",
        _("Handing on"),
        _("Whether agents may let others work for them with a part of what they were allowed."),
        ("handing_on", "deepest_chain"),
    ),
    Part(
        "keeping",
        _("How long things are kept"),
        _("Entries of the activity are kept for good: each vouches for those before it, and none can be taken out."),
        ("keep_days",),
    ),
    Part(
        "owners", _("Owners"), _("What becomes of an agent for which nobody answers any more."), ("owner_grace_days",)
    ),
)
LABELS: dict[str, Any] = {
    "environment": _("This organisation is for"),
    "registration": _("Agents may register themselves"),
    "registration_needs_token": _("Registering takes a token that an admin made"),
    "documents": _("Agents may be known by a document of theirs"),
    "admitted_hosts": _("Hosts and documents that need no approval"),
    "workloads": _("Trusted platforms may bring agents"),
    "device_codes": _("Where codes of devices are good"),
    "trusted_networks": _("Trusted networks"),
    "access_token_seconds": _("Seconds that an access token lives"),
    "longest_delegation_days": _("Days that a person may allow at most"),
    "consent_choices": _("What people may choose of how long"),
    "language": _("Language"),
    "handing_on": _("Agents may hand on what they were allowed"),
    "deepest_chain": _("How often it may be handed on"),
    "owner_grace_days": _("Days until an agent whose last owner left is paused"),
    "unused_days": _("Days after which access that nobody uses ends"),
    "default_resource": _("Resource of requests that name none"),
    "key_days": _("Days after which a new key signs"),
    "time_zone": _("Time zone"),
    "keep_days": _("Days that mail and long work are kept when they are over"),
    "accent": _("Colour"),
    "accent_dark": _("Colour on dark pages"),
}
_HELP: dict[str, Any] = {
    **dict.fromkeys(LABELS, ""),
    "environment": _("Each page of the console says so, so that nobody acts in the wrong place."),
    "admitted_hosts": _(
        "One a line: a host, or the whole https address of one document. They count where the policy above names hosts."
    ),
    "device_codes": _("A device shows a code, and somebody types it on another screen."),
    "trusted_networks": _("One a line, like 192.0.2.0/24. They count where device codes are good in trusted networks."),
    "access_token_seconds": _("1 to 3600. A token that is out lives on for as long, where a server asks nobody."),
    "deepest_chain": _("Counted from what the person agreed to."),
    "owner_grace_days": _("For that long it acts on, while somebody else may take it over."),
    "unused_days": _("0: it never does. At least 30; whoever allowed it is told before."),
    "default_resource": _("The identifier of one of your resources. Empty: such requests are refused."),
    "time_zone": _("As in Europe/Vienna."),
    "language": _("Of mail and pages, for whoever chose none and whose browser asks for none of ours."),
    "consent_choices": _("Where all of these are longer than the days above, the shorter ones are offered."),
    "keep_days": _("What was told to whom, and what long work was done to. 0: as the installation has it."),
    "accent": _("Like #324db3. Empty: the usual one. Text in it must read at 4.5:1 or better."),
    "accent_dark": _("Empty: the colour above, made lighter until it reads."),
}
LISTS = ("admitted_hosts", "trusted_networks")
DURATIONS = (("hour", _("1 hour")), ("today", _("Today")), ("week", _("7 days")), ("month", _("30 days")))


class PartForm(forms.Form):
    """One part as it is typed. What cannot hold is said by `tenants.rules`, in words, and not by the table."""

    def __init__(self, part: Part, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        plain = [name for name in part.fields if name not in (*LISTS, "consent_choices", "language")]
        self.fields |= forms.fields_for_model(Tenant, plain, labels=LABELS, help_texts=_HELP)
        for name in LISTS:
            if name in part.fields:
                lines = forms.Textarea(attrs={"rows": 3, "spellcheck": "false"})
                self.fields[name] = forms.CharField(
                    required=False, label=LABELS[name], help_text=_HELP[name], widget=lines
                )
        if "consent_choices" in part.fields:
            self.fields["consent_choices"] = forms.MultipleChoiceField(
                choices=DURATIONS, label=LABELS["consent_choices"], help_text=_HELP["consent_choices"],
                widget=forms.CheckboxSelectMultiple,
            )  # fmt: skip
        if "language" in part.fields:
            spoken = [("", _("English, or what the browser asks for")), *settings.LANGUAGES]
            self.fields["language"] = forms.ChoiceField(
                choices=spoken, required=False, label=LABELS["language"], help_text=_HELP["language"]
            )
        self.order_fields(part.fields)

    def clean_admitted_hosts(self) -> list[str]:
        return read_hosts(self.cleaned_data["admitted_hosts"])

    def clean_trusted_networks(self) -> list[str]:
        return [line.strip() for line in self.cleaned_data["trusted_networks"].splitlines() if line.strip()]


def form_of(part: Part, tenant: Tenant, said: Any = None) -> PartForm:
    """Return the form of a part: as it is, or as somebody sent it."""
    form = PartForm(part, said, initial=_initial(part, tenant))
    for name in form.fields.keys() & set(tenant.fixed):
        form.fields[name].disabled = True  # What is sent for it is not read.
    return form


def _initial(part: Part, tenant: Tenant) -> dict[str, Any]:
    said = {name: getattr(tenant, name) for name in part.fields}
    return {name: written(value) if name in LISTS else value for name, value in said.items()}


def written(value: Any) -> Any:
    """Return a value as its field shows it: a list one a line."""
    return "\n".join(value) if isinstance(value, list) else value
