"""Settings: what the tenant's policy is, part by part; who changed what when, and putting it back."""

from collections.abc import Callable, Mapping
from typing import Any

from django.db.models import BooleanField, Field
from django.http import HttpResponse, QueryDict
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _
from django.views.decorators.http import require_GET, require_POST

from audit.events import Event
from audit.models import Entry
from console import kept
from console.access import for_act, principal
from console.admin.resources import version_of
from console.admin.settings_forms import LABELS, PARTS, Part, PartForm, form_of
from console.attempt import attempt
from console.paging import page
from delegations.sentence import in_words
from tenants import history
from tenants.errors import BadSetting
from tenants.models import Tenant
from tenants.roles import Act, may
from tokens import stops
from tokens.endpoints.request import MemberRequest
from trust import configuration, domains

LATEST = 200
"""How many changes are read for who changed each setting last; what is older is said as having come so."""
GONE = _("That change cannot be put back any more.")


@for_act(Act.SETTINGS_READ)
def view(request: MemberRequest) -> HttpResponse:
    found = kept.take(request, "change-settings")
    if found is None:
        return show(request)
    part = _part_of(found[1])
    return show(request, typed={part.word: form_of(part, Tenant.objects.get(pk=request.tenant.pk), found[1])})


@require_GET
@for_act(Act.SETTINGS_READ)
def export(request: MemberRequest) -> HttpResponse:
    """Give away what the tenant's rules are, as far as this member may read them."""
    acts = {act for act, _each in configuration.PARTS.values() if may(request.member, act)}
    text = configuration.export(Tenant.objects.get(pk=request.tenant.pk), acts, by=principal(request))
    name = {"Content-Disposition": f'attachment; filename="{request.tenant.slug}.yaml"'}
    return HttpResponse(text, content_type=configuration.TYPE, headers=name)


@require_POST
@for_act(Act.SETTINGS_WRITE)
def change(request: MemberRequest) -> HttpResponse:
    """Save one part; the others stay as they are."""
    tenant = Tenant.objects.get(pk=request.tenant.pk)
    part = _part_of(request.POST)
    form = form_of(part, tenant, request.POST)
    if form.is_valid():
        said, version, who = dict(form.cleaned_data), version_of(request), principal(request)
        if _is_done(form, lambda: stops.change_policy(tenant, by=who, version=version, **said)):
            return redirect(f"{reverse('console-settings')}#{part.word}")
    return show(request, typed={part.word: form}, status=422)


@require_POST
@for_act(Act.SETTINGS_WRITE)
def put_back(request: MemberRequest) -> HttpResponse:
    """Give one setting the value that a change took from it."""
    entry = get_object_or_404(_changes_of(request), pk=request.POST.get("entry", "").replace("\x00", ""))
    named = {each["setting"]: each["before"] for each in entry.detail.get("changes", [])}
    setting, version, who = request.POST.get("setting", ""), version_of(request), principal(request)
    if setting not in named or setting not in LABELS:
        return show(request, said=str(GONE), status=409)

    def restore() -> None:
        before = {setting: history.said(setting, named[setting])}
        stops.change_policy(request.tenant, by=who, version=version, **before)

    if refused := attempt(restore):
        return show(request, said=refused, status=409)
    return redirect(f"{reverse('console-settings')}#history")


def _part_of(said: QueryDict) -> Part:
    return next((each for each in PARTS if each.word == said.get("part")), PARTS[0])


def _is_done(form: PartForm, verb: Callable[[], object]) -> bool:
    """Do it; else say why not, beside the setting that it is about."""
    try:
        refused = attempt(verb, but=BadSetting)
    except BadSetting as flaw:
        form.add_error(flaw.setting if flaw.setting in form.fields else None, flaw.words)
        return False
    if refused:
        form.add_error(None, refused)
    return not refused


def show(
    request: MemberRequest, *, typed: Mapping[str, PartForm] | None = None, said: str = "", status: int = 200
) -> HttpResponse:
    tenant = Tenant.objects.get(pk=request.tenant.pk)
    may_change = may(request.member, Act.SETTINGS_WRITE)
    rows, pager = page(request, _changes_of(request))
    notes = _notes(request, tenant)
    content = {
        "parts": [_part(each, tenant, (typed or {}).get(each.word), notes) for each in PARTS],
        "version": tenant.version,
        "changes": [_change(entry, each, tenant, may_change) for entry in rows for each in _said(entry)],
        "may_change": may_change,
        "logo_place": tenant.logo_place,
        "domains": domains.all_of_them() if may(request.member, Act.TRUST_READ) else [],
        "may_see_trust": may(request.member, Act.TRUST_READ),
        "may_pause": may(request.member, Act.TENANT_PAUSE),
        "said": said,
    }
    return render(request, "console/settings.html", {**content, **pager}, status=status)


def _part(part: Part, tenant: Tenant, typed: PartForm | None, notes: Mapping[str, str]) -> dict[str, Any]:
    form = typed or form_of(part, tenant)
    for name, field in form.fields.items():
        field.note = notes.get(name, "")  # type: ignore[attr-defined]  # What its template shows below it.
    return {"word": part.word, "label": part.label, "text": part.text, "form": form}


def _notes(request: MemberRequest, tenant: Tenant) -> dict[str, str]:
    """Return where each setting comes from: who set it last and when, or that it is as a new tenant has it."""
    now = timezone.now()
    found: dict[str, str] = {}
    for entry in _changes_of(request).order_by("-pk")[:LATEST]:
        for each in _said(entry):
            facts = {
                "person": entry.principal_label or entry.principal_id,
                "when": in_words(entry.at, now=now, time_zone=tenant.time_zone),
            }
            found.setdefault(each["setting"], gettext("Set by %(person)s, %(when)s.") % facts)
    found |= dict.fromkeys(tenant.fixed, gettext("Fixed by whoever runs this installation."))
    usual = Tenant()
    for name in LABELS:
        if getattr(tenant, name) == getattr(usual, name):
            found.setdefault(name, gettext("Usual value."))
    return found


def _change(entry: Entry, change: Mapping[str, str], tenant: Tenant, may_change: bool) -> dict[str, Any]:
    """Return one line of the history."""
    setting = change["setting"]
    return {
        "entry": entry.pk,
        "setting": setting,
        "label": LABELS.get(setting, setting),
        "before": _read(setting, change["before"]),
        "after": _read(setting, change["after"]),
        "by": entry.principal_label or entry.principal_id,
        "at": entry.at,
        "may_put_back": may_change and _is_free(setting, tenant) and _is_other(setting, change["before"], tenant),
    }


def _is_free(setting: str, tenant: Tenant) -> bool:
    return setting in LABELS and setting not in tenant.fixed


def _is_other(setting: str, before: str, tenant: Tenant) -> bool:
    """Say whether a setting is not what it was before a change."""
    try:
        return bool(history.said(setting, before) != getattr(tenant, setting))
    except BadSetting:
        return False


def _read(setting: str, text: str) -> str:
    """Return a value as its field calls it, where it is one of several."""
    field = Tenant._meta.get_field(setting) if setting in LABELS else None
    if isinstance(field, BooleanField):
        return gettext("Yes") if text == "yes" else gettext("No")
    choices = dict(field.flatchoices) if isinstance(field, Field) else {}
    return str(choices.get(text, text))


def _changes_of(request: MemberRequest) -> Any:
    return Entry.objects.filter(about_kind="tenant", about_id=request.tenant.pk, event=Event.TENANT_POLICY_CHANGED)


def _said(entry: Entry) -> list[dict[str, str]]:
    changes: list[dict[str, str]] = entry.detail.get("changes", [])
    return changes
