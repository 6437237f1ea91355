"""Trust: whom to believe from now on, which servers get our word, and trying what somebody presents."""

from collections.abc import Callable
from datetime import datetime
from typing import Any

from django import forms
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.utils.translation import gettext_lazy as _
from django.views.decorators.http import require_http_methods

from audit.events import Event
from audit.models import Entry
from console import step_words
from console.access import for_act, principal
from console.admin.audience_forms import AddAudience
from console.admin.trust_forms import AddIssuer
from console.attempt import attempt
from delegations.sentence import in_words
from tenants.roles import Act
from tokens import summaries
from tokens.across import preview, trial
from tokens.across.preview import Problem
from tokens.checking.steps import allows
from tokens.endpoints.request import MemberRequest
from trust import actions, keys
from trust.models import TrustedIssuer

Purpose = TrustedIssuer.Purpose
SHORT = summaries.BELIEVED


@require_http_methods(["GET", "HEAD", "POST"])
@for_act(Act.TRUST_WRITE)
def add_issuer(request: MemberRequest) -> HttpResponse:
    form = AddIssuer(request.POST or None)
    if request.method == "POST" and form.is_valid():
        said = form.said()
        refused, made = attempt_made(lambda: actions.trust_issuer(said.pop("issuer"), by=principal(request), **said))
        if made is not None:
            return redirect("console-issuer", made.pk)
        form.add_error(None, refused)
    return render(request, "console/add_issuer.html", {"form": form}, status=422 if form.errors else 200)


@require_http_methods(["GET", "HEAD", "POST"])
@for_act(Act.TRUST_WRITE)
def look_at_issuer(request: MemberRequest) -> HttpResponse:
    """Show what an issuer says of itself and what of that would be believed; nothing is written, and nobody trusted."""
    form = AddIssuer(request.POST or None)
    shown: dict[str, Any] = {"form": form}
    if request.method == "POST" and form.is_valid():
        said = form.said()
        refused, seen = attempt_made(lambda: preview.of(said.pop("issuer"), now=timezone.now(), **said))
        if seen is None:
            form.add_error(None, refused)
        else:
            shown |= {"seen": seen, "problem": PROBLEMS.get(seen.problem), "about": _believed_about(seen.planned)}
    return render(request, "console/add_issuer.html", shown, status=422 if form.errors else 200)


@require_http_methods(["GET", "HEAD", "POST"])
@for_act(Act.TRUST_WRITE)
def add_audience(request: MemberRequest) -> HttpResponse:
    form = AddAudience(request.POST or None)
    if request.method == "POST" and form.is_valid():
        said = form.said()
        refused, made = attempt_made(lambda: actions.add_audience(said.pop("issuer"), by=principal(request), **said))
        if made is not None:
            return redirect("console-audience", made.pk)
        form.add_error(None, refused)
    return render(request, "console/add_audience.html", {"form": form}, status=422 if form.errors else 200)


class TryForm(forms.Form):
    assertion = forms.CharField(
        max_length=trial.LONGEST,
        label=_("Assertion"),
        widget=forms.Textarea(attrs={"rows": 8, "spellcheck": "false", "autocomplete": "off"}),
        help_text=_("As the agent presents it. It is judged, and kept nowhere."),
    )


@require_http_methods(["GET", "HEAD", "POST"])
@for_act(Act.TRUST_WRITE)
def try_assertion(request: MemberRequest) -> HttpResponse:
    """Judge what was pasted, claim by claim; nothing is minted, used up or kept."""
    form = TryForm(request.POST or None)
    shown: dict[str, Any] = {"form": form}
    if request.method == "POST" and form.is_valid():
        steps = trial.judge(request.tenant, form.cleaned_data["assertion"], now=timezone.now())
        shown |= {"is_judged": True, "is_accepted": allows(steps), "steps": step_words.in_words(steps, further=TITLES)}
    return render(request, "console/try_assertion.html", shown, status=422 if form.errors else 200)


TITLES = {
    "form": _("It can be read"),
    "iss": _("Its issuer is trusted about agents of people"),
    "signature": _("One of the issuer's keys signed it"),
    "exp, iat, nbf": _("It is in time, and not for too long"),
    "aud": _("It is for this organisation"),
    "cnf": _("It is bound to no key"),
    "required claims": _("It says what it must say besides"),
    "jti": _("It was not used before"),
    "withdrawn": _("Its issuer did not withdraw it"),
    "client_id": _("It is for a client of ours that may present it"),
    "resource": _("Its resource is one of ours"),
    "scope": _("Its issuer may open these scopes there"),
    "act": _("Whoever acts in it is said in a way we take"),
    "sub": _("The person is known here"),
}


PROBLEMS = {
    Problem.NO_DOCUMENT: _("Its document cannot be had. It is looked for in both places where such a document lies."),
    Problem.ANOTHER_ISSUER: _("Its document is about another issuer. Its address has to be exactly what that says."),
    Problem.NO_ADDRESS: _("Its document does not say where its keys are."),
    Problem.NO_KEYS: _("Its keys cannot be had from there."),
    Problem.BAD_KEYS: _("What lies there is no set of public keys that one may use."),
    Problem.NONE_COUNTS: _("None of its keys makes a signature that would count."),
}


def attempt_made(verb: Callable[[], Any]) -> tuple[str, Any]:
    """Do it; return the words of the refusal, or "" and what was made."""
    made: list[Any] = []
    refused = attempt(lambda: made.append(verb()))
    return refused, made[0] if made else None


def _believed_about(issuer: TrustedIssuer) -> list[Any]:
    """Return the words of what an issuer would be believed about."""
    return [Purpose(each).label for each in Purpose if each in issuer.purposes]


def key_words(issuer: TrustedIssuer, *, now: datetime, zone: str) -> dict[str, Any]:
    """Return where an issuer's keys come from and how old they are, as the pages say it."""
    fetched = in_words(issuer.keys_fetched_at, now=now, time_zone=zone) if issuer.keys_fetched_at else ""
    return {
        "is_our_own": keys.is_our_own(issuer.issuer),
        "is_pasted": issuer.key_source == TrustedIssuer.KeySource.PASTED,
        "keys_fetched_at": issuer.keys_fetched_at,
        "keys_fetched": fetched,
        "is_silent": keys.is_silent(issuer, now=now),
        "swapped_at": issuer.keys_swapped_at,
    }


def swapped_keys(issuer: TrustedIssuer) -> dict[str, Any] | None:
    """Return the keys before and after, as the ledger noted them; None where nobody needs to look."""
    if issuer.keys_swapped_at is None:
        return None
    noted = Entry.objects.filter(about_kind="trustedissuer", about_id=issuer.pk, event=Event.ISSUER_KEYS_SWAPPED)
    found = noted.order_by("-pk").first()
    keys = {"entry": found.pk, "before": found.detail["before"], "after": found.detail["after"]} if found else {}
    return {"at": issuer.keys_swapped_at, "seen": issuer.keys_swapped_at.isoformat(), **keys}
