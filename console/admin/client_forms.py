"""The form of what an admin says of a client: fields and words, no rules."""

from typing import Any

from django import forms
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from agents.models import Client
from console.admin.trust_forms import Lines


class ClientForm(forms.Form):
    client_name = forms.CharField(max_length=100, label=_("Name"), help_text=_("As people read it when they allow it."))
    client_uri = forms.CharField(max_length=2000, required=False, label=_("Homepage"))
    logo_uri = forms.CharField(
        max_length=2000,
        required=False,
        label=_("Address of its logo"),
        help_text=_("It is fetched once, and shown from here."),
    )
    redirect_uris = Lines(label=_("Returns to"), help_text=_("One address a line, exactly as it asks for it."))


def said_of(client: Client) -> dict[str, Any]:
    """Return what is said of a client, by the names of its registration."""
    pages = {name: client.metadata.get(name, "") for name in ("client_uri", "logo_uri")}
    return {"client_name": client.name, **pages, "redirect_uris": list(client.redirect_uris)}


def shown(client: Client, typed: ClientForm | None, *, was_changed: bool) -> ClientForm:
    """Return the form as it is, or as somebody typed it; beside a field what somebody else saved while they read."""
    form, now = typed or ClientForm(initial=said_of(client)), said_of(client)
    for name, field in form.fields.items():
        is_other = was_changed and form.cleaned_data.get(name) != now[name]
        words = field.prepare_value(now[name]) if isinstance(field, Lines) else now[name]
        note = gettext("Now it says: %(words)s") % {"words": words or "–"} if is_other else ""
        field.note = note  # type: ignore[attr-defined]  # What its template shows below it.
    return form
