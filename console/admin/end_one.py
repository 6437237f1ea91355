"""The question before one delegation of somebody else is ended: a form in a dialog, and the page where none opens."""

from collections.abc import Callable, Mapping
from typing import Any

from django import forms
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.utils.translation import gettext_lazy

from console import kept
from delegations.models import Delegation
from delegations.sentence import sentence
from tokens import lineage, receipts
from tokens.endpoints.request import MemberRequest


class Ending(forms.Form):
    reason = forms.CharField(
        max_length=500, label=gettext_lazy("Why?"), widget=forms.TextInput(attrs={"autocomplete": "off"})
    )


def form(request: MemberRequest, delegation_id: str) -> Ending:
    """Return the form of the dialog, with what was typed before somebody signed in again."""
    typed = kept.initial(request, "end-delegation", delegation_id=delegation_id)
    return Ending(initial=typed, auto_id="end-%s")


def page(request: MemberRequest, delegation_id: str, foreseen: Callable[..., Mapping[str, Any]]) -> HttpResponse:
    """Ask on a page of its own; `foreseen` says what an end would do."""
    now, visible = timezone.now(), Delegation.objects.visible_to(request.member).with_names()
    delegation = get_object_or_404(visible, pk=delegation_id)
    if delegation.is_over(now):
        return redirect("console-delegation", delegation.pk)
    parts = lineage.of_delegation(delegation, now=now)["parts"]
    content = {
        "id": delegation.pk,
        "sentence": sentence(delegation, now=now, time_zone=request.tenant.time_zone),
        "ending": foreseen(receipts.left_by(delegation, now=now), parts),
        "form": form(request, delegation_id),
    }
    return render(request, "console/end_delegation.html", content)
