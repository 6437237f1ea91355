"""The forms of importing scopes: where a description is, and the words of what it proposes."""

from collections.abc import Sequence
from typing import Any

from django import forms
from django.http import QueryDict
from django.utils.translation import gettext_lazy as _

from console.attempt import THERE
from tenants.actions import ScopeWords
from tenants.describing.reading import LIMIT
from tenants.describing.values import UNFIT_NAME, Described, Proposal
from tenants.models import ResourceServer, Scope
from tenants.rules import is_scope_name

SHOWN = 30
"""How many proposals stand on a page at once: a form holds so many fields and no more."""
READS, CHANGES = "reads", "changes"


class DescriptionForm(forms.Form):
    document = forms.CharField(
        label=_("The document"),
        required=False,
        widget=forms.Textarea(attrs={"rows": 8, "spellcheck": "false", "autocomplete": "off"}),
        help_text=_("An OpenAPI document in JSON or YAML, or an MCP server's answer to tools/list. Up to 60 KB here."),
    )
    file = forms.FileField(label=_("Or a file of it"), required=False, help_text=_("Up to 1 MB."))
    url = forms.CharField(
        label=_("Or its address"),
        required=False,
        max_length=2000,
        widget=forms.TextInput(attrs={"inputmode": "url", "spellcheck": "false", "autocomplete": "off"}),
        help_text=_("As in https://api.example.com/openapi.json. It is fetched now, without any token."),
    )
    only = forms.CharField(
        label=_("Only names with"),
        required=False,
        max_length=100,
        help_text=_("A part of a name, where it names many."),
    )

    def clean_file(self) -> str:
        file = self.cleaned_data["file"]
        raw: bytes = file.read(LIMIT + 1) if file else b""
        try:
            text = raw.decode("utf-8-sig")
        except UnicodeDecodeError:
            text = ""
        if file and (not text or len(raw) > LIMIT):
            raise forms.ValidationError(_("It is empty, no text in UTF-8, or larger than 1 MB."))
        return text


class ProposedScope(forms.Form):
    """One proposal, as an admin changes it. Where it is not ticked, nothing that is said of it is judged."""

    take = forms.BooleanField(required=False, label=_("Add it"))
    name = forms.CharField(max_length=Scope._meta.get_field("name").max_length, label=_("Name"))
    title = forms.CharField(max_length=Scope._meta.get_field("title").max_length, label=_("What people read"))
    description = forms.CharField(
        max_length=Scope._meta.get_field("description").max_length, required=False, label=_("In more words")
    )
    weight = forms.ChoiceField(
        choices=[(READS, _("reads")), (CHANGES, _("changes things")), *Scope.Weight.choices], label=_("Kind")
    )

    def clean_name(self) -> str:
        name: str = self.cleaned_data["name"]
        if not is_scope_name(name):
            raise forms.ValidationError(UNFIT_NAME)
        return name

    def words(self) -> ScopeWords:
        said = self.cleaned_data
        weight = said["weight"]
        return ScopeWords(
            said["name"],
            said["title"],
            said["description"],
            is_writing=weight != READS,
            weight="" if weight in {READS, CHANGES} else weight,
        )


def proposed(found: Described, only: str) -> list[Proposal]:
    """Return what is new of what a description proposes, and holds a text in its name."""
    return [each for each in found.proposals if not each.is_there and only.strip().lower() in each.words.name.lower()]


def rows_of(proposals: Sequence[Proposal]) -> list[ProposedScope]:
    """Return the first proposals as forms: nothing is ticked before somebody does."""
    return [
        ProposedScope(initial=_initial(each), prefix=_prefix(number)) for number, each in enumerate(proposals[:SHOWN])
    ]


def rows_said(data: QueryDict) -> list[ProposedScope]:
    """Return the forms that were sent; what is not ticked keeps what was typed, and is not judged."""
    found = []
    for number in range(SHOWN):
        prefix = _prefix(number)
        if f"{prefix}-take" in data:
            found.append(ProposedScope(data, prefix=prefix))
        elif f"{prefix}-name" in data:
            typed = {name: data.get(f"{prefix}-{name}", "") for name in ProposedScope.base_fields if name != "take"}
            found.append(ProposedScope(initial=typed, prefix=prefix))
    return found


def ticked(rows: Sequence[ProposedScope], server: ResourceServer) -> list[ScopeWords]:
    """Return the words of all that is ticked; where one of them cannot be, each such form says why and it is empty."""
    chosen = [each for each in rows if each.is_bound]
    taken = {scope.name for scope in server.scopes.all()}
    for form in (each for each in chosen if each.is_valid()):
        if form.cleaned_data["name"] in taken:
            form.add_error("name", str(THERE))
        else:
            taken.add(form.cleaned_data["name"])
    return [form.words() for form in chosen] if all(form.is_valid() for form in chosen) else []


def _initial(proposal: Proposal) -> dict[str, Any]:
    words = proposal.words
    weight = words.weight or (CHANGES if words.is_writing else READS)
    return {"name": words.name, "title": words.title, "description": words.description, "weight": weight}


def _prefix(number: int) -> str:
    return f"scope{number}"
