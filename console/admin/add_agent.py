"""Adding an agent: by a form here, by itself, or by its document. The form uses the API's own actions."""

from collections import defaultdict
from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from django.http import HttpResponse, QueryDict
from django.shortcuts import redirect, render
from django.utils.translation import gettext_lazy as _
from django.views.decorators.http import require_http_methods

from agents import enrolling, purposes
from agents.errors import Unusable
from console.access import for_act, principal
from console.admin.agent import client_row
from console.admin.ceilings import EXTENT
from console.admin.clients import GRANTS
from console.admin.decisions import ANYTHING
from console.person_field import PersonField
from kit import forms as kit_forms
from kit import strict_json
from kit.oauth import AuthMethod, GrantType, InvalidRedirectUri
from tenants import directory
from tenants.roles import Act
from tokens.endpoints.request import MemberRequest

_METHODS = [
    (AuthMethod.SECRET_BASIC.value, _("With a secret, which is shown once")),
    (AuthMethod.PRIVATE_KEY_JWT.value, _("With a key of its own")),
    (AuthMethod.NONE.value, _("With nothing: an app on people's own machines")),
]


class AddAgent(forms.Form):
    """What it is called, who answers for it, how it proves itself, and what it may ask for at most."""

    name = forms.CharField(label=_("Name"), max_length=100, help_text=_("As people read it when it asks them."))
    purpose = forms.CharField(
        label=_("What it is for"),
        max_length=purposes.MOST,
        required=False,
        widget=forms.Textarea(attrs={"rows": 2}),
        help_text=_("In a sentence or two, for whoever decides on it later."),
    )
    owner = PersonField(label=_("Who answers for it"))
    method = forms.ChoiceField(label=_("How it proves itself"), choices=_METHODS)
    keys = forms.CharField(
        label=_("Its public keys"),
        max_length=kit_forms.MAX_BODY,
        required=False,
        widget=forms.Textarea(attrs={"rows": 3, "spellcheck": "false"}),
        help_text=_("Of a key of its own: a JWK set, or the https address where it publishes one."),
    )
    grants = forms.MultipleChoiceField(
        label=_("What it may ask for"),
        choices=[(grant.value, words) for grant, words in GRANTS.items()],
        widget=forms.CheckboxSelectMultiple,
        initial=[GrantType.AUTHORIZATION_CODE.value, GrantType.REFRESH_TOKEN.value],
    )
    redirect_uris = forms.CharField(
        label=_("Where people return to"),
        max_length=20 * 2000,
        required=False,
        widget=forms.Textarea(attrs={"rows": 3, "spellcheck": "false"}),
        help_text=_("One address for each line, exactly as it sends it. Loopback addresses match any port."),
    )
    extent = forms.ChoiceField(label=_("How much it may ever get"), choices=EXTENT)
    scopes = forms.MultipleChoiceField(
        label=_("At most"), required=False, widget=forms.CheckboxSelectMultiple, help_text=_("Nothing ticked: nothing.")
    )

    def __init__(self, *args: Any, **fields: Any) -> None:
        super().__init__(*args, **fields)
        api = directory.current().api_identifier
        known = sorted(
            (each.server.name, identifier, each)
            for identifier, each in directory.resource_servers().items()
            if identifier != api
        )
        self._choose(
            "scopes",
            [
                (f"{identifier} {scope.name}", f"{name}: {scope.title}")
                for name, identifier, each in known
                for scope in each.scopes.values()
            ],
        )

    def clean_purpose(self) -> str:
        try:
            return purposes.kept(self.cleaned_data["purpose"])
        except Unusable as refusal:
            raise ValidationError(str(refusal)) from refusal

    def clean_keys(self) -> dict[str, Any]:
        """Return the keys as the words of a registration say them."""
        text = self.cleaned_data["keys"].strip()
        if self.cleaned_data.get("method") != AuthMethod.PRIVATE_KEY_JWT:
            return {}
        if not text:
            raise ValidationError(_("A key of its own needs its public part here, or an address of it."))
        if text.startswith("https://"):
            return {"jwks_uri": text}
        try:
            found = dict(strict_json.parse_object(text.encode(), limit=kit_forms.MAX_BODY))
        except ValueError as error:
            raise ValidationError(_("This is neither a JSON object nor an https address.")) from error
        return {"jwks": found if "keys" in found else {"keys": [found]}}

    def clean_redirect_uris(self) -> list[str]:
        return [line.strip() for line in self.cleaned_data["redirect_uris"].splitlines() if line.strip()]

    def document(self) -> dict[str, Any]:
        """Return what the form says in the words of RFC 7591 §2."""
        said = self.cleaned_data
        return {
            "grant_types": said["grants"],
            "redirect_uris": said["redirect_uris"],
            "token_endpoint_auth_method": said["method"],
            **said["keys"],
        }

    def ceiling(self) -> dict[str, list[str]] | None:
        if self.cleaned_data["extent"] == ANYTHING:
            return None
        found: dict[str, list[str]] = defaultdict(list)
        for each in self.cleaned_data["scopes"]:
            resource, _space, scope = each.rpartition(" ")
            found[resource].append(scope)
        return dict(found)

    def _choose(self, name: str, choices: list[tuple[str, str]]) -> None:
        field = self.fields[name]
        assert isinstance(field, forms.ChoiceField)
        field.choices = choices


@require_http_methods(["GET", "HEAD", "POST"])
@for_act(Act.AGENTS_WRITE)
def view(request: MemberRequest) -> HttpResponse:
    if request.method != "POST":
        return _page(request, AddAgent(initial={"owner": request.member.email}))
    typed = request.POST.copy()
    form = AddAgent(typed)
    if not form.is_valid():
        return _refused(request, form, typed)
    said = form.cleaned_data
    try:
        client, secret = enrolling.enrol(
            said["name"],
            form.document(),
            by=principal(request),
            owner=said["owner"],
            ceiling=form.ceiling(),
            purpose=said["purpose"],
        )
    except Unusable as refusal:
        form.add_error(_where(refusal), str(refusal))
        return _refused(request, form, typed)
    if not secret:
        return redirect("console-client", client.agent_id, client.pk)
    content = {"agent": client.agent, "client": client_row(client), "secret": secret, "is_first": True}
    return render(request, "console/secret.html", content)


def _refused(request: MemberRequest, form: AddAgent, typed: QueryDict) -> HttpResponse:
    """Show the form with what was typed, but for keys: what was pasted may have been a private one."""
    if not typed.get("keys", "").startswith("https://"):
        typed["keys"] = ""
    return _page(request, form, status=422)


def _page(request: MemberRequest, form: AddAgent, *, status: int = 200) -> HttpResponse:
    content = {"form": form, "address": f"{request.tenant.issuer}/register"}
    return render(request, "console/add_agent.html", content, status=status)


def _where(refusal: Unusable) -> str | None:
    """Return the field that a refusal is about."""
    if isinstance(refusal.__cause__, InvalidRedirectUri):
        return "redirect_uris"
    words = str(refusal)
    if "jwk" in words:
        return "keys"
    return "grants" if "grant" in words else None
