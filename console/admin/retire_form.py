"""What is asked before a resource is retired, or a scope taken away: as a dialog where it reaches few, or on a page."""

from collections.abc import Mapping
from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from console import kept
from console.admin.resource_list import kill_words
from console.counted import SMALL, Counted
from delegations.reach import Reach
from tenants.models import ResourceServer, Scope
from tokens.endpoints.request import MemberRequest


class Retiring(Counted):
    """Why, where it takes something from somebody; and from how many people, where they are more than a few."""

    reason = forms.CharField(max_length=500, required=False, label=_("Why? You may leave this empty"))

    def __init__(self, *args: Any, reach: Reach, **kwargs: Any) -> None:
        super().__init__(*args, reaches=reach.people, **kwargs)
        self.fields["number"].label, why = _("How many people"), self.fields["reason"]
        why.widget.attrs["autocomplete"] = "off"
        if reach.delegations:
            why.label, why.required, why.widget.is_required = _("Why? It stays on record"), True, True
            why.error_messages["required"] = _("Whoever takes this from people says why.")


def question(
    request: MemberRequest, server: ResourceServer, reached: Reach, *, scope: Scope | None = None
) -> Mapping[str, Any] | None:
    """Return what the dialog asks, or None where the number has to be typed: that takes a page of its own."""
    if reached.people > SMALL:
        return None
    name = "retire-scope" if scope else "retire-resource"
    typed = kept.initial(request, name, resource_id=server.pk)
    form = Retiring(reach=reached, initial=typed, auto_id="retire-%s")
    return {"reach": reached, "kill_words": kill_words(server, request.tenant), "scope": scope, "form": form}
