"""The forms of trust: fields and words, no rules. What a form does not change is not said to the action."""

import json
from collections.abc import Iterable, Mapping
from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from console.counted import Counted
from kit import jwks
from tenants import directory
from trust.models import TrustedIssuer

_AREA = forms.Textarea(attrs={"rows": 3, "spellcheck": "false"})
_CEILINGS = ("resources", "quarantine")


class Lines(forms.CharField):
    """Words, one a line."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(required=False, max_length=20_000, widget=_AREA, **kwargs)

    def clean(self, value: Any) -> Any:
        return self.read(super().clean(value))

    def read(self, text: str) -> Any:
        """Return what a text says."""
        return [line.strip() for line in text.splitlines() if line.strip()]

    def prepare_value(self, value: Any) -> Any:
        return "\n".join(value) if isinstance(value, list) else value

    def has_changed(self, initial: Any, data: Any) -> bool:
        return bool(self.read(data or "") != (initial or self.read("")))


class ByResource(Lines):
    """Scopes by resource, a resource a line: its identifier, and its scopes behind it."""

    def read(self, text: str) -> Any:
        return {resource: scopes for resource, *scopes in (line.split() for line in super().read(text))}

    def prepare_value(self, value: Any) -> Any:
        if not isinstance(value, Mapping):
            return value
        return "\n".join(" ".join([resource, *scopes]) for resource, scopes in value.items())


def _own_scopes() -> list[tuple[str, str]]:
    return [
        (f"{identifier} {name}", scope.title)
        for identifier, protected in sorted(directory.resource_servers().items())
        for name, scope in protected.scopes.items()
    ]


class Ticks(forms.MultipleChoiceField):
    """Scopes of this tenant's own resources, by resource; each is a tick."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(required=False, widget=forms.CheckboxSelectMultiple, choices=_own_scopes, **kwargs)

    def clean(self, value: Any) -> Any:
        found: dict[str, list[str]] = {}
        for resource, scope in (each.split(" ", 1) for each in super().clean(value)):
            found.setdefault(resource, []).append(scope)
        return found

    def prepare_value(self, value: Any) -> Any:
        if not isinstance(value, Mapping):
            return value
        return [f"{resource} {scope}" for resource, scopes in value.items() for scope in scopes]

    def has_changed(self, initial: Any, data: Any) -> bool:
        return super().has_changed(self.prepare_value(initial), data)


class Json(forms.JSONField):
    """A JSON object, of a size and a depth that one writes by hand."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(required=False, max_length=64 * 1024, widget=_AREA, **kwargs)

    def to_python(self, value: Any) -> Any:
        try:
            found = super().to_python(value.strip() if isinstance(value, str) else value)
        except RecursionError as error:
            raise forms.ValidationError(_("That is nested too deeply.")) from error
        if found is not None and (not isinstance(found, dict) or "\\u0000" in json.dumps(found)):
            raise forms.ValidationError(_("That is not a JSON object."))
        return found

    def prepare_value(self, value: Any) -> Any:
        return "" if value is None else super().prepare_value(value)

    def bound_data(self, data: Any, initial: Any) -> Any:
        try:
            return super().bound_data(data, initial)
        except RecursionError:
            return forms.fields.InvalidJSONInput(data)


class Apart(forms.Form):
    """A form that stands beside others on a page: the ids of its fields are its own."""

    def __init__(self, said: Any = None, *, initial: Mapping[str, Any] | None = None) -> None:
        """`said` is what was sent, or None."""
        super().__init__(said, initial=dict(initial or {}), auto_id=f"{type(self).__name__.lower()}-%s")


class AddIssuer(forms.Form):
    """The least that makes an issuer; everything else is empty then, and empty allows nothing."""

    issuer = forms.CharField(
        max_length=512, label=_("Issuer"), help_text=_("Its address, exactly as its assertions say it in “iss”.")
    )
    name = forms.CharField(max_length=100, required=False, label=_("Name"), help_text=_("As people here know it."))
    purposes = forms.MultipleChoiceField(
        choices=TrustedIssuer.Purpose.choices,
        required=False,
        widget=forms.CheckboxSelectMultiple,
        label=_("What it is believed about"),
    )
    key_source = forms.ChoiceField(choices=TrustedIssuer.KeySource.choices, label=_("Where its keys come from"))
    jwks_uri = forms.CharField(max_length=2000, required=False, label=_("Address of its keys, where that is chosen"))
    jwks = Json(label=_("Its public keys, where they are pasted"), help_text=_("A JSON Web Key Set."))

    def said(self) -> dict[str, Any]:
        """Return what was said, without what was left as it is."""
        return {name: self.cleaned_data[name] for name in self.changed_data if self.cleaned_data[name] is not None}


class ChangeIssuer(AddIssuer):
    issuer = None  # type: ignore[assignment]  # An issuer is trusted anew, not renamed.
    name = forms.CharField(max_length=100, label=_("Name"))
    algorithms = forms.MultipleChoiceField(
        choices=[(each, each) for each in jwks.ALGORITHMS],
        required=False,
        widget=forms.CheckboxSelectMultiple,
        label=_("Signatures that count"),
    )
    resources = Ticks(label=_("Scopes that its word may open"))
    any_client = forms.BooleanField(required=False, label=_("Every client may present its assertions about people"))
    clients = Lines(label=_("Or only these clients"), help_text=_("Client ids, one a line."))
    mappings = forms.MultipleChoiceField(
        choices=TrustedIssuer.Mapping.choices,
        required=False,
        widget=forms.CheckboxSelectMultiple,
        label=_("How somebody is found who is not linked yet"),
    )
    email_domains = Lines(label=_("Mail domains of which it may name addresses"), help_text=_("One a line."))
    longest_seconds = forms.IntegerField(min_value=1, max_value=3600, label=_("Seconds that an assertion may live"))
    reuses_assertions = forms.BooleanField(
        required=False, label=_("An assertion may come again until it ends, by the same client")
    )
    required_claims = Json(
        label=_("What an assertion must say besides"),
        help_text=_('For issuers that many share, like {"tenant_id": "7f3a"}.'),
    )
    unseen = forms.ChoiceField(choices=TrustedIssuer.Unseen.choices, label=_("An agent that was never seen"))
    quarantine = Ticks(label=_("What it gets until somebody decides"))
    most_agents = forms.IntegerField(min_value=0, max_value=1_000_000, label=_("How many agents it may bring"))

    def __init__(self, issuer: TrustedIssuer, said: Any = None) -> None:
        """`said` is what was sent, or None."""
        initial = {name: getattr(issuer, name) for name in self.base_fields if name != "jwks"}
        super().__init__(said, initial=initial)

    def clean_required_claims(self) -> Any:
        return self.cleaned_data["required_claims"] or {}

    def ticks(self) -> dict[str, Any]:
        """Return the ceilings as the page draws them."""
        return {name: by_resource(self, name) for name in _CEILINGS}


class ProviderForm(Apart):
    client_id = forms.CharField(max_length=255, label=_("Our client id there"))
    client_secret = forms.CharField(
        max_length=500,
        required=False,
        widget=forms.PasswordInput(attrs={"autocomplete": "off"}),
        label=_("Our secret there"),
        help_text=_("It is never shown again. Left empty, the one that is there stays."),
    )
    is_public = forms.BooleanField(required=False, label=_("There is no secret: we are a public client there"))
    groups_claim = forms.CharField(max_length=100, label=_("The claim that lists a person's groups"), initial="groups")
    roles = forms.CharField(
        required=False,
        max_length=50_000,
        widget=_AREA,
        label=_("Roles that groups give"),
        help_text=_("One a line, like “it-security: security”. The first that fits counts."),
    )

    def clean_roles(self) -> list[list[str]]:
        lines = [line for line in self.cleaned_data["roles"].splitlines() if line.strip()]
        pairs = [[part.strip() for part in line.rpartition(":")[::2]] for line in lines]
        if any(not group or not role for group, role in pairs):
            raise forms.ValidationError(_("Each line is a group, a colon and a role."))
        return pairs

    def said(self) -> dict[str, Any]:
        """Return what was said; a secret of None keeps the one that is there."""
        words = {name: self.cleaned_data[name] for name in ("client_id", "groups_claim", "roles")}
        secret = "" if self.cleaned_data["is_public"] else self.cleaned_data["client_secret"] or None
        return {**words, "client_secret": secret}


class LinkForm(Apart):
    subject = forms.CharField(
        max_length=255, strip=False, label=_("Subject there"), help_text=_("Exactly as assertions say it in “sub”.")
    )
    email = forms.CharField(max_length=254, label=_("Who that is here"), help_text=_("A mail address."))


class OffForm(Counted):
    """Switching off, and why; `reaches` are the delegations that it concerns."""

    reason = forms.CharField(max_length=500, required=False, label=_("Why? You may leave this empty"))

    def __init__(self, *args: Any, reaches: int, **kwargs: Any) -> None:
        super().__init__(*args, reaches=reaches, **kwargs)
        self.fields["number"].label = _("How many delegations")


def by_resource(form: forms.Form, name: str) -> list[dict[str, Any]]:
    """Return the ticks of a ceiling, by resource."""
    chosen = set(form[name].value() or ())
    found = []
    for identifier, protected in sorted(directory.resource_servers().items(), key=lambda each: each[1].server.name):
        ticks = [_tick(f"{identifier} {scope.name}", scope, chosen) for scope in protected.scopes.values()]
        if ticks:
            found.append({"name": protected.server.name, "ticks": ticks, "ticked": sum(t["is_on"] for t in ticks)})
    return found


def _tick(value: str, scope: Any, chosen: Iterable[str]) -> dict[str, Any]:
    return {"value": value, "title": scope.title, "is_writing": scope.is_writing, "is_on": value in chosen}
