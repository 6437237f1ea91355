"""The forms of servers elsewhere that believe us: fields and words, no rules."""

from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from console.admin.trust_forms import Apart, ByResource, Lines
from trust.models import Audience


class AddAudience(forms.Form):
    issuer = forms.CharField(
        max_length=512, label=_("Authorization server"), help_text=_("Its issuer, as its metadata says it.")
    )
    name = forms.CharField(max_length=100, required=False, label=_("Name"), help_text=_("As people here know it."))
    resources = ByResource(
        label=_("Resources behind it"), help_text=_("One a line: the address, and its scopes behind it.")
    )

    def said(self) -> dict[str, Any]:
        """Return what was said, without what was left as it is."""
        return {name: self.cleaned_data[name] for name in self.changed_data}


class ChangeAudience(AddAudience):
    issuer = None  # type: ignore[assignment]  # An audience is added anew, not renamed.
    name = forms.CharField(max_length=100, label=_("Name"))
    algorithm = forms.ChoiceField(choices=Audience.Algorithm.choices, label=_("Signature of what we send there"))
    shares_email = forms.BooleanField(required=False, label=_("Name the person's mail address to it"))
    aud_tenant = forms.CharField(
        max_length=255,
        required=False,
        label=_("Our organisation's id there"),
        help_text=_("Where many share that server."),
    )

    def __init__(self, audience: Audience, said: Any = None) -> None:
        """`said` is what was sent, or None."""
        super().__init__(said, initial={name: getattr(audience, name) for name in self.base_fields})


class NameForm(Apart):
    client = forms.CharField(max_length=255, label=_("Client here"), help_text=_("Its client id."))
    client_id_there = forms.CharField(max_length=255, label=_("Its client id there"))


class RuleForm(Apart):
    """Who is let across. Nobody named is nobody."""

    client = forms.CharField(max_length=255, label=_("Client"), help_text=_("Its client id here."))
    resource = forms.ChoiceField(label=_("Resource there"))
    scopes = forms.CharField(max_length=2000, label=_("Scopes"), help_text=_("With spaces between."))
    everyone = forms.BooleanField(required=False, label=_("For everyone here"))
    people = Lines(label=_("For these people"), help_text=_("Mail addresses, one a line."))
    groups = Lines(label=_("For these groups"), help_text=_("One a line."))

    def __init__(self, audience: Audience, said: Any = None) -> None:
        """`said` is what was sent, or None."""
        super().__init__(said)
        choices = self.fields["resource"]
        assert isinstance(choices, forms.ChoiceField)
        choices.choices = [(each, each) for each in audience.resources]
