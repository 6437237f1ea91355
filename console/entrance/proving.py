"""What somebody is asked to prove themselves for: said on the page that asks, by the act that sent them there."""

from collections.abc import Mapping
from urllib.parse import urlsplit

from django.urls import reverse
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from tokens.endpoints.request import TenantRequest

_KEPT = "proving"
ACTS: Mapping[str, str | Promise] = {
    "approve": _("Approving needs that you prove it is you."),
    "approve-together": _("Approving needs that you prove it is you."),
    "agent-ceiling": _("Letting an agent do more needs that you prove it is you."),
    "turn-switches": _("Changing how an agent appears needs that you prove it is you."),
    "end-agent": _("Ending an agent needs that you prove it is you."),
    "start-job": _("Ending access of many needs that you prove it is you."),
    "end-many": _("Ending access of many needs that you prove it is you."),
    "remove-member": _("Removing somebody needs that you prove it is you."),
    "leaked-key": _("Ending a signing key needs that you prove it is you."),
    "pause-tenant": _("Pausing everything needs that you prove it is you."),
    "resume-tenant": _("Opening everything again needs that you prove it is you."),
    "retire-resource": _("Retiring a resource needs that you prove it is you."),
    "retire-scope": _("Taking a scope away needs that you prove it is you."),
    "mfa_add_webauthn": _("Adding a passkey needs that you prove it is you."),
    "mfa_remove_webauthn": _("Removing a passkey needs that you prove it is you."),
    "mfa_activate_totp": _("Adding an authenticator app needs that you prove it is you."),
    "mfa_deactivate_totp": _("Removing your authenticator app needs that you prove it is you."),
    "mfa_view_recovery_codes": _("Looking at your recovery codes needs that you prove it is you."),
    "mfa_download_recovery_codes": _("Looking at your recovery codes needs that you prove it is you."),
    "mfa_generate_recovery_codes": _("Making new recovery codes needs that you prove it is you."),
}
"""By the name of the address that asked. What is not here is asked for without saying what for."""
_BY_AN_AGENT = _("An agent wants you to prove that it is you, before you decide what it may do.")


def keep(request: TenantRequest, page: str) -> None:
    """Remember what is wanted, and where it goes on: the words are said for that place alone."""
    found = request.resolver_match
    request.session[_KEPT] = [page, found.url_name if found else ""]


def words(request: TenantRequest) -> str | Promise:
    """Return what somebody proves themselves for, or ""."""
    after = request.POST.get("next") or request.GET.get("next", "")
    page, act = request.session.get(_KEPT, ["", ""])
    if after and after == page:
        return ACTS.get(act, "")
    return _BY_AN_AGENT if urlsplit(after).path == reverse("authorize") else ""
