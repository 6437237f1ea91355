"""The forms of resources and scopes: fields and words, no rules."""

from django import forms
from django.utils.translation import gettext_lazy as _

from tenants.models import ResourceServer, Scope
from tenants.rules import LONGEST_ACCESS_TOKEN

_TOKENS = [
    (ResourceServer.TokenFormat.JWT.value, _("Tokens that it checks by itself")),
    (ResourceServer.TokenFormat.OPAQUE.value, _("Tokens that it asks about each time: an end holds at once")),
]


class AddResource(forms.Form):
    name = forms.CharField(max_length=100, label=_("Name"), help_text=_("As people know it: Finance, Calendar."))
    identifier = forms.CharField(
        max_length=512,
        label=_("Identifier"),
        help_text=_("The address that agents name it by, like https://api.example.com."),
    )
    kind = forms.ChoiceField(choices=ResourceServer.Kind.choices, label=_("Kind"))
    token_format = forms.ChoiceField(choices=_TOKENS, label=_("How it checks tokens"))


class ChangeResource(forms.Form):
    name = forms.CharField(max_length=100, label=_("Name"))
    kind = forms.ChoiceField(choices=ResourceServer.Kind.choices, label=_("Kind"))
    token_format = forms.ChoiceField(choices=_TOKENS, label=_("How it checks tokens"))
    signing_algorithm = forms.ChoiceField(
        choices=ResourceServer.SigningAlgorithm.choices, label=_("Signature of tokens")
    )
    asks_each_time = forms.BooleanField(
        required=False, label=_("It asks about each token, also where it could check it")
    )
    hosts_metadata = forms.BooleanField(required=False, label=_("Serve its metadata document here"))


class ScopeForm(forms.Form):
    name = forms.CharField(
        max_length=100, label=_("Name"), help_text=_("The word that agents ask for, like invoices:read. It stays.")
    )
    title = forms.CharField(
        max_length=100, label=_("What people read"), help_text=_("As a thing to allow: Read invoices.")
    )
    description = forms.CharField(max_length=255, required=False, label=_("In more words"))
    cannot = forms.CharField(
        max_length=255,
        required=False,
        label=_("What it cannot do"),
        help_text=_("What people may fear of it, and it does not: Pay somebody who was never paid before."),
    )
    is_writing = forms.BooleanField(required=False, label=_("It changes things"))
    weight = forms.ChoiceField(
        choices=[("", _("No more than that")), *Scope.Weight.choices], required=False, label=_("And graver than that")
    )
    longest_seconds = forms.IntegerField(
        min_value=1,
        max_value=LONGEST_ACCESS_TOKEN,
        required=False,
        label=_("A token with it lives at most, in seconds"),
        help_text=_("Empty: as long as any token."),
    )
    is_delegable = forms.BooleanField(required=False, initial=True, label=_("An agent may hand it on to another agent"))
    is_default = forms.BooleanField(required=False, label=_("A request that names no scope gets it"))
    is_needed = forms.BooleanField(required=False, label=_("A person cannot leave it out"))
