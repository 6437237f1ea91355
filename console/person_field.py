"""The field of a form in which one person is named, with a few offered while somebody types."""

from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from console import people
from tenants.models import Membership


class PersonInput(forms.EmailInput):
    template_name = "ui/person_input.html"

    def get_context(self, name: str, value: Any, attrs: dict[str, Any] | None) -> dict[str, Any]:
        context = super().get_context(name, value, attrs)
        widget = context["widget"]
        # A template cannot look up a name with a dash.
        widget["described"] = widget["attrs"].get("aria-describedby", "")
        return context


class PersonField(forms.CharField):
    """Somebody who has a place here, by address; nobody is None."""

    widget = PersonInput
    default_error_messages = {"nobody": _("Nobody who has a place here has this address.")}

    def __init__(self, **how: Any) -> None:
        super().__init__(**{"max_length": 254, **how})

    def clean(self, value: Any) -> Membership | None:
        typed = super().clean(value)
        found = people.named(typed) if typed else None
        if typed and found is None:
            raise forms.ValidationError(self.error_messages["nobody"], code="nobody")
        return found
