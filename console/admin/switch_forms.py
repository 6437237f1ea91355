"""The forms of what only an admin turns of a client: fields and words, no rules."""

from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from agents.models import Client
from console.admin.trust_forms import Json
from trust.models import TrustedIssuer


class SwitchForm(forms.Form):
    exchange_actor = forms.ChoiceField(
        choices=Client.ExchangeActor.choices,
        label=_("In what it exchanges"),
        help_text=_(
            "Appearing as the person, nobody who gets its tokens can tell the agent from them. Only for a server that "
            "cannot do otherwise."
        ),
    )
    accepts_endpoint_audience = forms.BooleanField(
        required=False,
        label=_("Its assertions may name the token endpoint, and live for an hour"),
        help_text=_("Instead of five minutes, for us alone. Only for a library that cannot do otherwise."),
    )


class PlatformForm(forms.Form):
    issuer = forms.ChoiceField(label=_("Whose token"), help_text=_("Issuers that are trusted to stand for secrets."))
    subject = forms.CharField(
        max_length=512, strip=False, label=_("About which subject"), help_text=_("Exact, or with * for one part of it.")
    )
    claims = Json(
        label=_("What it must say besides"),
        help_text=_('Ids that are never given away again, like {"repository_id": "42"}.'),
    )
    audience = forms.CharField(
        max_length=512, required=False, label=_("For which audience"), help_text=_("Left empty: for us.")
    )

    def __init__(self, said: Any = None) -> None:
        super().__init__(said)
        enabled = TrustedIssuer.objects.filter(is_enabled=True).order_by("name", "pk")
        self.known = {each.pk: each for each in enabled if each.serves(TrustedIssuer.Purpose.FEDERATION)}
        chosen = self.fields["issuer"]
        assert isinstance(chosen, forms.ChoiceField)
        chosen.choices = [(each.pk, f"{each.name}, {each.issuer}") for each in self.known.values()]

    def clean_issuer(self) -> TrustedIssuer:
        return self.known[self.cleaned_data["issuer"]]


def shown(client: Client) -> dict[str, Any]:
    """Return how the switches of a client stand, and the form that turns them."""
    names = ("exchange_actor", "accepts_endpoint_audience")
    return {
        "actor": client.get_exchange_actor_display(),
        "is_lax": client.accepts_endpoint_audience,
        "form": SwitchForm(initial={name: getattr(client, name) for name in names}),
        "version": client.version,
    }
