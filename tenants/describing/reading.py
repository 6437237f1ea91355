"""A document that somebody pasted or that was fetched: recognised, and read for scopes of one resource."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from kit import strict_json, strict_yaml
from tenants.describing import openapi, tools
from tenants.describing.values import Described
from tenants.errors import Unusable
from tenants.models import ResourceServer, Scope

LIMIT = 1024 * 1024
"""Bytes of a document; what is pasted is bound by what a form may hold."""
DEEPEST = 64
_REASONS = {
    "too large": gettext_lazy("it is larger than 1 MB"),
    "too deep": gettext_lazy("it is nested too deep"),
    "repeated member": gettext_lazy("it says the same name twice in one place"),
    "holds an alias": gettext_lazy("it holds an alias (*), which is not followed"),
}


def read(raw: bytes, server: ResourceServer) -> Described:
    """Return the scopes that a document proposes for a resource; raises Unusable, in words for whoever gave it."""
    return of(_parsed(raw.strip()), server)


def of(document: Mapping[str, Any], server: ResourceServer) -> Described:
    """Return the scopes that an object proposes; raises Unusable."""
    if openapi.is_one(document):
        found = openapi.read(document)
    elif tools.is_one(document):
        found = tools.read(document)
    else:
        raise Unusable(_("It is neither an OpenAPI document nor an answer to tools/list."))
    known = set(Scope.objects.filter(resource_server=server).values_list("name", flat=True))
    marked = tuple(replace(each, is_there=each.words.name in known) for each in found.proposals)
    return replace(found, proposals=marked)


def _parsed(raw: bytes) -> Mapping[str, Any]:
    try:
        if raw.startswith(b"["):
            # A list alone is that of the tools.
            return strict_json.parse_object(b'{"tools": %b}' % raw, limit=LIMIT, deepest=DEEPEST)
        if raw.startswith(b"{"):
            return strict_json.parse_object(raw, limit=LIMIT, deepest=DEEPEST)
        return strict_yaml.parse_object(raw, limit=LIMIT, deepest=DEEPEST)
    except ValueError as error:
        raise Unusable(_("It cannot be read as JSON or YAML: %(why)s.") % {"why": _why(error)}) from error


def _why(error: ValueError) -> str:
    """Return the reason of a reader of ours; of a library's, which may repeat the document, nothing."""
    return str(_REASONS.get(str(error), _("a sign is missing, or one is too many")))
