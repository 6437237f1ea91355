"""Settings: what the tenant's policy is, and who changed what when."""

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
from tenants.models import Tenant
from tenants.roles import Act, may
from tokens import stops
from tokens.endpoints.request import MemberRequest


class SettingsForm(forms.ModelForm):  # type: ignore[type-arg]  # Generic for the type checker alone.
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

    class Meta:
        model = Tenant
        fields = [
            "environment", "registration", "registration_needs_token", "documents", "admitted_hosts", "workloads",
            "device_codes", "trusted_networks", "access_token_seconds", "longest_delegation_days", "handing_on",
            "deepest_chain", "owner_grace_days", "unused_days", "default_resource", "time_zone",
        ]  # fmt: skip
        help_texts = {
            "environment": _("Each page of the console says so, so that nobody acts in the wrong place."),
            "registration": "",
            "registration_needs_token": "",
            "documents": "",
            "workloads": "",
            "device_codes": _("A device shows a code, and somebody types it on another screen."),
            "handing_on": "",
            "deepest_chain": _("Counted from what the person agreed to."),
            "owner_grace_days": _("For that long it acts on, while somebody else may take it over."),
            "unused_days": _("0: it never does. At least 30; whoever allowed it is told before."),
            "default_resource": _("The identifier of one of your resources. Empty: such requests are refused."),
            "time_zone": _("As in Europe/Vienna."),
        }
        labels = {
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
        refused = attempt(lambda: stops.change_policy(tenant, by=principal(request), version=version, **said))
        if not refused:
            return redirect("console-settings")
        form.add_error(None, refused)
    return _show(request, Tenant.objects.get(pk=tenant.pk), form, status=422)


def _form(tenant: Tenant, said: Any = None) -> SettingsForm:
    # A copy: a form writes what it cleaned into its instance.
    return SettingsForm(said, instance=Tenant.objects.get(pk=tenant.pk), initial=_written(tenant))


def _written(tenant: Tenant) -> dict[str, str]:
    return {name: "\n".join(getattr(tenant, name)) for name in ("admitted_hosts", "trusted_networks")}


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
