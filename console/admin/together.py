"""Several questions decided at once: what all of them ask for, each with its agent, and one button."""

from collections.abc import Collection, Mapping
from typing import Any

from django import forms
from django.http import HttpResponse, QueryDict
from django.shortcuts import redirect, render
from django.utils import timezone
from django.utils.translation import gettext, ngettext
from django.utils.translation import gettext_lazy as _
from django.views.decorators.http import require_http_methods

from agents import together
from agents.errors import AgentError, BadLimits
from agents.limits import Limits
from agents.models import Approval
from console import choosing, people
from console.access import for_deciders, must_prove_again, prove_again
from console.admin import cards, ceilings, decisions
from console.attempt import attempt
from tenants.models import Membership
from tokens.endpoints.request import MemberRequest

READ = "read"
"""The boxes: each the id of a question, and the version of it that stands on the page."""


class OwnerForm(forms.Form):
    owner = forms.ChoiceField(label=_("Owner of those that have none"), required=False)

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.people = {each.pk: each for each in people.active()[:200]}
        owner = self.fields["owner"]
        assert isinstance(owner, forms.ChoiceField)
        owner.choices = [("", "–"), *((key, str(each)) for key, each in self.people.items())]

    def clean_owner(self) -> Membership | None:
        return self.people.get(self.cleaned_data["owner"])


@require_http_methods(["GET", "HEAD", "POST"])
@for_deciders
def view(request: MemberRequest) -> HttpResponse:
    if request.method != "POST":
        return _page(request, OwnerForm(initial={"owner": request.member.pk}))
    if must_prove_again(request):
        return prove_again(request, request.get_full_path())
    form, read = OwnerForm(request.POST), _read(request.POST)
    if not form.is_valid():
        return _page(request, form, ticked=read, status=422)
    try:
        narrower = Limits(None, **decisions.narrower(request.POST, request.tenant))
        outcome = together.approve(read, by=request.member, owner=form.cleaned_data["owner"], narrower=narrower)
    except BadLimits as refusal:
        if "owner" in refusal.errors:
            form.add_error("owner", refusal.errors["owner"])
        return _page(request, form, ticked=read, flaws=refusal.errors, status=422)
    except AgentError as refusal:
        form.add_error(None, str(refusal))
        return _page(request, form, ticked=read, status=409)
    decisions.tell_of_many(request, _words(outcome))
    return redirect("console-approvals")


def _read(post: QueryDict) -> dict[str, int]:
    """Return which questions were ticked, each with the version that was read."""
    words = (each.replace("\x00", "").partition(" ") for each in post.getlist(READ))
    return {each: int(version) for each, _, version in words if version.isdecimal() and len(version) < 9}


def _page(
    request: MemberRequest,
    form: OwnerForm,
    *,
    ticked: Collection[str] | None = None,
    flaws: Mapping[str, str] | None = None,
    status: int = 200,
) -> HttpResponse:
    ids = choosing.ids(request.GET)
    waiting = [each for each in together.named(ids) if each.status == Approval.Status.WAITING]
    refused = attempt(lambda: together.check_alike(waiting, now=timezone.now()))
    content = {
        "form": form,
        "at": request.get_full_path(),
        "rows": [_row(each, is_ticked=ticked is None or each.pk in ticked) for each in waiting],
        "asked": [ceilings.at(*each) for each in sorted(waiting[0].asked.items())] if waiting and not refused else [],
        "refused": refused,
        "is_owner_missing": bool(together.ownerless(waiting)),
        "over": len(ids) - len(waiting),
        # What an agent asks for besides what it has is given as it asks: for whom and how long stays.
        "narrower": _narrower(request, flaws or {}) if waiting and waiting[0].kind == Approval.Kind.ADMISSION else None,
        "choices": {
            "groups": [(f"{decisions.GROUP}{group}", group) for group in people.groups()],
            "lifetimes": decisions.lifetimes(request.tenant),
        },
    }
    return render(request, "console/approve_together.html", content, status=status)


def _narrower(request: MemberRequest, flaws: Mapping[str, str]) -> dict[str, Any]:
    """Return the fields that narrow, as a card of one question has them, as they were typed."""
    return {"id": "together", "fill": cards.filled(request.POST), "errors": flaws}


def _row(approval: Approval, *, is_ticked: bool) -> dict[str, Any]:
    client, agent = approval.client, approval.agent
    return {
        "id": approval.pk,
        "version": approval.version,
        "agent_name": agent.name,
        "kind": approval.get_kind_display(),
        "host": client.host if client else "",
        "is_verified": client.is_verified if client else False,
        "owner": str(agent.owner) if agent.owner else "",
        "people": len(approval.pleas.all()),
        "is_ticked": is_ticked,
    }


def _words(outcome: together.Outcome) -> str:
    number, over = len(outcome.done), outcome.passed_over
    words = ngettext("%(n)s agent is approved.", "%(n)s agents are approved.", number) % {"n": number}
    if not over:
        return words
    names = ", ".join(str(each.agent) for each in over)
    passed = gettext("Passed over, because it was decided or changed meanwhile: %(names)s.") % {"names": names}
    return f"{words} {passed}"
