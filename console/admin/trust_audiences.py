"""One authorization server that believes us: what may be said to it, for which agents, and about whom."""

from typing import Any

from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.utils.translation import gettext_lazy as _
from django.views.decorators.http import require_http_methods, require_POST

from agents import across
from agents.models import AssertionRule, Client, NameElsewhere
from console.access import for_act, principal
from console.admin.audience_forms import ChangeAudience, NameForm, RuleForm
from console.admin.resources import version_of
from console.admin.trust_forms import OffForm
from console.attempt import attempt
from console.impact_words import impact_words
from delegations import reach
from tenants.models import Membership
from tenants.roles import Act, may
from tokens import impact, stops
from tokens.endpoints.request import MemberRequest
from trust.models import Audience

SHOWN = 200
NO_CLIENT = _("No client here has this id.")
NOT_ALL = _("Not all of these are people of this organisation.")


@for_act(Act.TRUST_READ)
def one(request: MemberRequest, audience_id: str) -> HttpResponse:
    return _show(request, audience_of(audience_id))


@require_POST
@for_act(Act.TRUST_WRITE)
def change(request: MemberRequest, audience_id: str) -> HttpResponse:
    audience = audience_of(audience_id)
    form = ChangeAudience(audience, request.POST)
    if form.is_valid():
        said, version = form.said(), version_of(request)
        refused = attempt(lambda: stops.change_audience(audience, by=principal(request), version=version, **said))
        if not refused:
            return redirect("console-audience", audience_id)
        form.add_error(None, refused)
    return _show(request, audience_of(audience_id), form=form, status=422)


@require_http_methods(["GET", "HEAD", "POST"])
@for_act(Act.TRUST_WRITE)
def switch_off(request: MemberRequest, audience_id: str) -> HttpResponse:
    """Say what stops while a server gets nothing from us; and switch it off."""
    audience, now, said = audience_of(audience_id), timezone.now(), ""
    reached = impact.of_audience(audience, now=now)
    form = OffForm(request.POST if request.method == "POST" else None, reaches=reached.delegations)
    if request.method == "POST" and form.is_valid():
        version, reason = version_of(request), form.cleaned_data["reason"]
        said = attempt(
            lambda: stops.change_audience(
                audience, by=principal(request), version=version, reason=reason, is_enabled=False
            )
        )
        if not said:
            return redirect("console-audience", audience_id)
    content = {
        "thing": audience_of(audience_id) if said else audience,
        "back": "console-audience",
        "impact": impact_words(reached, now=now, time_zone=request.tenant.time_zone),
        "form": form,
        "said": said,
    }
    return render(request, "console/trust_off.html", content, status=409 if said else 422 if form.errors else 200)


@require_POST
@for_act(Act.TRUST_WRITE)
def switch_on(request: MemberRequest, audience_id: str) -> HttpResponse:
    audience, version = audience_of(audience_id), version_of(request)
    said = attempt(lambda: stops.change_audience(audience, by=principal(request), version=version, is_enabled=True))
    if said:
        return _show(request, audience_of(audience_id), said=said, status=409)
    return redirect("console-audience", audience_id)


@require_POST
@for_act(Act.TRUST_WRITE)
def name_client(request: MemberRequest, audience_id: str) -> HttpResponse:
    audience, form = audience_of(audience_id), NameForm(request.POST)
    if form.is_valid():
        client, there = _client(form), form.cleaned_data["client_id_there"]
        if client is not None:
            who = principal(request)
            refused = attempt(lambda: across.name_elsewhere(client, audience, there, by=who))
            if not refused:
                return redirect("console-audience", audience_id)
            form.add_error("client_id_there", refused)
    return _show(request, audience, name_form=form, status=422)


@require_POST
@for_act(Act.TRUST_WRITE)
def add_rule(request: MemberRequest, audience_id: str) -> HttpResponse:
    audience = audience_of(audience_id)
    form = RuleForm(audience, request.POST)
    if form.is_valid():
        client, people = _client(form), _people(form)
        if client is not None and people is not None:
            said, who = form.cleaned_data, principal(request)
            refused = attempt(
                lambda: stops.allow_across(
                    client, audience, said["resource"], said["scopes"].split(), by=who,
                    members=people, groups=said["groups"], everyone=said["everyone"],
                )
            )  # fmt: skip
            if not refused:
                return redirect("console-audience", audience_id)
            form.add_error(None, refused)
    return _show(request, audience, rule_form=form, status=422)


@require_http_methods(["GET", "HEAD", "POST"])
@for_act(Act.TRUST_WRITE)
def remove_rule(request: MemberRequest, audience_id: str, rule_id: str) -> HttpResponse:
    """Say what ends with a rule, and does not come back with it; and take it back."""
    audience, now = audience_of(audience_id), timezone.now()
    rule = get_object_or_404(AssertionRule.objects.select_related("client"), audience=audience, pk=rule_id)
    reached = impact.of_rule(rule, now=now)
    form = OffForm(request.POST if request.method == "POST" else None, reaches=reached.delegations)
    del form.fields["reason"]
    if request.method == "POST" and form.is_valid():
        stops.forbid_across(rule, by=principal(request))
        return redirect("console-audience", audience_id)
    content = {
        "audience": audience,
        "rule": rule,
        "impact": impact_words(reached, now=now, time_zone=request.tenant.time_zone),
        "form": form,
    }
    return render(request, "console/remove_rule.html", content, status=422 if form.errors else 200)


def audience_of(audience_id: str) -> Audience:
    found: Audience = get_object_or_404(Audience, pk=audience_id)
    return found


def _client(form: NameForm | RuleForm) -> Client | None:
    """Return the client that a form names, or None once the form says that there is none."""
    found = Client.objects.filter(client_id=form.cleaned_data["client"].strip()).first()
    if found is None:
        form.add_error("client", NO_CLIENT)
    return found


def _people(form: RuleForm) -> list[Membership] | None:
    """Return the people that a form names, or None once the form says that somebody is not here."""
    addresses = {each.lower() for each in form.cleaned_data["people"]}
    found = list(Membership.objects.select_related("user").filter(user__email__in=addresses))
    if len(found) == len(addresses):
        return found
    form.add_error("people", NOT_ALL)
    return None


def _show(
    request: MemberRequest,
    audience: Audience,
    *,
    form: ChangeAudience | None = None,
    name_form: NameForm | None = None,
    rule_form: RuleForm | None = None,
    said: str = "",
    status: int = 200,
) -> HttpResponse:
    rules = AssertionRule.objects.filter(audience=audience).select_related("client").order_by("-pk")[:SHOWN]
    names = NameElsewhere.objects.filter(audience=audience).select_related("client").order_by("-pk")[:SHOWN]
    content = {
        "audience": audience,
        "form": form or ChangeAudience(audience),
        "names": names,
        "name_form": name_form or NameForm(),
        "rules": _rule_rows(list(rules)),
        "rule_form": rule_form or RuleForm(audience),
        "reach": reach.of_audience(audience, now=timezone.now()),
        "may_change": may(request.member, Act.TRUST_WRITE),
        "said": said,
    }
    return render(request, "console/trust_audience.html", content, status=status)


def _rule_rows(rules: list[AssertionRule]) -> list[dict[str, Any]]:
    named = {each for rule in rules for each in rule.members}
    people = {each.pk: str(each) for each in Membership.objects.select_related("user").filter(pk__in=named)}
    return [
        {
            "id": each.pk,
            "client": each.client.name,
            "client_id": each.client.client_id,
            "resource": each.resource,
            "scopes": each.scopes,
            "everyone": each.everyone,
            "whom": [*sorted(people[pk] for pk in each.members if pk in people), *each.groups],
        }
        for each in rules
    ]
