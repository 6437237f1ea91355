"""The forms of webhooks: families of events are ticked, single ones written."""

from collections.abc import Sequence
from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from notices.webhooks import actions

_WORDS = {
    "agent.*": _("Agents"),
    "approval.*": _("Approvals"),
    "assertion_rule.*": _("Who is let across domains"),
    "client.*": _("Clients of agents, and their credentials"),
    "delegation.*": _("Delegations"),
    "key.*": _("Signing keys"),
    "member.*": _("Members"),
    "resource_server.*": _("Resources"),
    "scope.*": _("Scopes"),
    "tenant.*": _("Settings"),
    "token.*": _("Tokens that were used twice"),
    "trust.*": _("Trust"),
    "webhook.*": _("Webhooks"),
}


class WebhookForm(forms.Form):
    url = forms.CharField(
        max_length=2000,
        label=_("Address"),
        help_text=_("A plain https URL with a public host name, like https://hooks.example.com/remit."),
    )
    description = forms.CharField(max_length=200, required=False, label=_("What it is for"))
    families = forms.MultipleChoiceField(
        choices=list(_WORDS.items()),
        required=False,
        widget=forms.CheckboxSelectMultiple,
        label=_("All that happens to"),
    )
    names = forms.CharField(
        max_length=2000,
        required=False,
        label=_("And single events"),
        help_text=_("Like job.finished, with spaces between."),
    )

    def clean(self) -> dict[str, Any]:
        """Put what was ticked and what was written into one list, `events`."""
        said = super().clean() or {}
        said["events"] = [*said.get("families", []), *said.get("names", "").replace(",", " ").split()]
        if not said["events"]:
            self.add_error("families", _("Tick or name at least one."))
        return said


class NewSecret(forms.Form):
    keep_hours = forms.IntegerField(
        initial=actions.USUAL_HOURS,
        min_value=0,
        max_value=actions.MOST_HOURS,
        label=_("Hours for which the old one signs as well"),
        help_text=_("0, if it leaked."),
    )


def as_typed(url: str, description: str, events: Sequence[str]) -> dict[str, Any]:
    """Return what somebody would type to say this."""
    ticked = [each for each in events if each in _WORDS]
    return {"url": url, "description": description, "families": ticked,
            "names": " ".join(each for each in events if each not in _WORDS)}  # fmt: skip
