"""Settings: what the tenant's policy is, and who changed what when."""

from collections.abc import Callable
from typing import Any

from django import forms
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext_lazy as _

from audit.events import Event
from audit.models import Entry
from console.access import for_act, principal
from console.admin.resources import version_of
from console.admin.ways_in import read_hosts
from console.attempt import attempt
from console.paging import page
from tenants.errors import BadSetting
from tenants.models import Tenant
from tenants.roles import Act, may
from tokens import stops
from tokens.endpoints.request import MemberRequest

FIELDS = [
    "environment", "registration", "registration_needs_token", "documents", "admitted_hosts", "workloads",
    "device_codes", "trusted_networks", "access_token_seconds", "longest_delegation_days", "handing_on",
    "deepest_chain", "owner_grace_days", "unused_days", "default_resource", "time_zone",
]  # fmt: skip
_LABELS: dict[str, Any] = {
    "environment": _("This tenant is for"),
    "registration": _("Agents may register themselves"),
    "registration_needs_token": _("Registering takes a token that an admin made"),
    "documents": _("Agents may be known by a document of theirs"),
    "workloads": _("Trusted platforms may bring agents"),
    "device_codes": _("Where codes of devices are good"),
    "access_token_seconds": _("Seconds that an access token lives"),
    "longest_delegation_days": _("Days that a person may allow at most"),
    "handing_on": _("Agents may hand on what they were allowed"),
    "deepest_chain": _("How often it may be handed on"),
    "owner_grace_days": _("Days until an agent whose last owner left is paused"),
    "unused_days": _("Days after which access that nobody uses ends"),
    "default_resource": _("Resource of requests that name none"),
    "time_zone": _("Time zone"),
}
_HELP: dict[str, Any] = {
    **dict.fromkeys(_LABELS, ""),
    "environment": _("Each page of the console says so, so that nobody acts in the wrong place."),
    "device_codes": _("A device shows a code, and somebody types it on another screen."),
    "access_token_seconds": _("1 to 3600. A token that is out lives on for as long, where a server asks nobody."),
    "deepest_chain": _("Counted from what the person agreed to."),
    "owner_grace_days": _("For that long it acts on, while somebody else may take it over."),
    "unused_days": _("0: it never does. At least 30; whoever allowed it is told before."),
    "default_resource": _("The identifier of one of your resources. Empty: such requests are refused."),
    "time_zone": _("As in Europe/Vienna."),
}


class SettingsForm(forms.Form):
    """The settings as they are typed. What cannot hold is said by `tenants.rules`, in words, and not by the table."""

    admitted_hosts = forms.CharField(
        required=False,
        label=_("Hosts and documents that need no approval"),
        help_text=_(
            "One a line: a host, or the whole https address of one document. They count where the policy above names "
            "hosts."
        ),
        widget=forms.Textarea(attrs={"rows": 3}),
    )
    trusted_networks = forms.CharField(
        required=False,
        label=_("Trusted networks"),
        help_text=_("One a line, like 192.0.2.0/24. They count where device codes are good in trusted networks."),
        widget=forms.Textarea(attrs={"rows": 3}),
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields |= forms.fields_for_model(Tenant, _LABELS, labels=_LABELS, help_texts=_HELP)
        self.order_fields(FIELDS)

    def clean_admitted_hosts(self) -> list[str]:
        return read_hosts(self.cleaned_data["admitted_hosts"])

    def clean_trusted_networks(self) -> list[str]:
        return [line.strip() for line in self.cleaned_data["trusted_networks"].splitlines() if line.strip()]


@for_act(Act.SETTINGS_READ)
def view(request: MemberRequest) -> HttpResponse:
    tenant = Tenant.objects.get(pk=request.tenant.pk)
    return _show(request, tenant, _form(tenant))


@for_act(Act.SETTINGS_WRITE)
def change(request: MemberRequest) -> HttpResponse:
    tenant = Tenant.objects.get(pk=request.tenant.pk)
    form = _form(tenant, request.POST)
    if form.is_valid():
        said, version = dict(form.cleaned_data), version_of(request)
        who = principal(request)
        if _is_done(form, lambda: stops.change_policy(tenant, by=who, version=version, **said)):
            return redirect("console-settings")
    return _show(request, Tenant.objects.get(pk=tenant.pk), form, status=422)


def _is_done(form: SettingsForm, verb: Callable[[], object]) -> bool:
    """Do it; else say why not, beside the setting that it is about."""
    try:
        refused = attempt(verb, but=BadSetting)
    except BadSetting as flaw:
        form.add_error(flaw.setting if flaw.setting in form.fields else None, flaw.words)
        return False
    if refused:
        form.add_error(None, refused)
    return not refused


def _form(tenant: Tenant, said: Any = None) -> SettingsForm:
    return SettingsForm(said, initial={name: _written(getattr(tenant, name)) for name in FIELDS})


def _written(value: Any) -> Any:
    return "\n".join(value) if isinstance(value, list) else value


def _show(request: MemberRequest, tenant: Tenant, form: SettingsForm, status: int = 200) -> HttpResponse:
    mine = Entry.objects.filter(about_kind="tenant", about_id=tenant.pk, event=Event.TENANT_POLICY_CHANGED)
    rows, pager = page(request, mine)
    changes = [
        {"at": entry.at, "by": entry.principal_label or entry.principal_id, **change}
        for entry in rows
        for change in entry.detail.get("changes", [])
    ]
    content = {
        "form": form,
        "version": tenant.version,
        "changes": changes,
        "may_change": may(request.member, Act.SETTINGS_WRITE),
    }
    return render(request, "console/settings.html", {**content, **pager}, status=status)
