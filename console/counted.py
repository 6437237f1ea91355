"""The upper step of the confirmation ladder: what reaches more than a few is counted by hand before it is done."""

from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

SMALL = 25
"""Up to so many a click is enough; more have to be counted by hand (the confirmation ladder)."""
MOVED = _("Another number matches. Look at what is above, and type that.")
MOVED_A_LITTLE = _("Another number matches now. Look at what is above, and press again.")


class Counted(forms.Form):
    """A form whose button reaches so many: it asks for that number, and carries it along unseen where it is small.

    Either way it is compared with what is reached when the button comes back; `has_moved` says that it is another.
    """

    number = forms.IntegerField(label=_("How many"), min_value=0, help_text=_("Type the number above."))
    has_moved = False

    def __init__(self, *args: Any, reaches: int, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.reaches = reaches
        self.order_fields([*(name for name in self.fields if name != "number"), "number"])
        if reaches <= SMALL:
            field = self.fields["number"]
            field.required, field.widget, field.initial = False, forms.HiddenInput(), reaches

    def clean(self) -> dict[str, Any]:
        said: dict[str, Any] = super().clean() or self.cleaned_data
        number = said.get("number", self.reaches)
        if number is None or number == self.reaches:
            return said
        self.has_moved = True
        if self.reaches > SMALL:
            self.add_error("number", MOVED)
            return said
        self.add_error(None, MOVED_A_LITTLE)
        self.data = {
            **dict(self.data.items()),
            "number": self.reaches,
        }  # Nobody sees the old one, so that nobody corrects it.
        return said
