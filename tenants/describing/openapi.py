"""An OpenAPI document (2.0 to 3.2): the scopes of its security schemes, and the operations that take each of them."""

from collections.abc import Iterator, Mapping
from typing import Any

from django.utils.translation import gettext as _

from tenants.describing.values import MAX_USES, Described, Proposal, check_number, is_fit, lists, maps, passed_over
from tenants.describing.values import worded as in_words
from tenants.errors import Unusable

SOURCE = "openapi"
READING = frozenset({"get", "head", "options", "trace", "query"})
"""Methods that change nothing (RFC 9110 §9.2.1)."""
METHODS = READING | {"post", "put", "patch", "delete"}
_TYPES = frozenset({"oauth2", "openIdConnect"})
_Uses = Mapping[str, tuple[tuple[str, str], ...]]


def is_one(document: Mapping[str, Any]) -> bool:
    """Say whether a document calls itself one."""
    return "openapi" in document or "swagger" in document


def read(document: Mapping[str, Any]) -> Described:
    """Return what it says; raises Unusable where no scheme of it has scopes."""
    schemes = _schemes(document)
    used = _uses(document, schemes)
    named = dict.fromkeys([*(name for scheme in schemes.values() for name in _scopes(scheme)), *used])
    check_number(list(named))
    if not named:
        raise Unusable(_("Its security schemes name no scope: nothing in it can be proposed."))
    texts = {name: text for scheme in schemes.values() for name, text in _scopes(scheme).items()}
    proposals = tuple(_proposal(name, texts.get(name), used) for name in named if is_fit(name))
    return Described(SOURCE, proposals, tuple(passed_over(name) for name in named if not is_fit(name)))


def _proposal(name: str, text: object, used: _Uses) -> Proposal:
    """What no operation takes is not known to read alone: an admin says so, and nobody is surprised."""
    uses = used.get(name, ())
    is_writing = not uses or any(method not in READING for method, _path in uses)
    shown = tuple(f"{method.upper()} {path}" for method, path in uses[:MAX_USES])
    return Proposal(in_words(name, text, is_writing=is_writing), shown)


def _schemes(document: Mapping[str, Any]) -> dict[str, Mapping[str, Any]]:
    found = maps(maps(document.get("components")).get("securitySchemes")) or maps(document.get("securityDefinitions"))
    return {name: maps(scheme) for name, scheme in found.items() if maps(scheme).get("type") in _TYPES}


def _scopes(scheme: Mapping[str, Any]) -> dict[str, Any]:
    """Return the scopes of all flows of a scheme with what is said of each; of two texts the first counts."""
    flows = [scheme, *(maps(flow) for flow in maps(scheme.get("flows")).values())]
    return {name: text for flow in reversed(flows) for name, text in maps(flow.get("scopes")).items()}


def _uses(document: Mapping[str, Any], schemes: Mapping[str, Any]) -> _Uses:
    found: dict[str, dict[tuple[str, str], None]] = {}
    for method, path, operation in _operations(document):
        for requirement in lists(operation.get("security", document.get("security"))):
            for scheme, scopes in maps(requirement).items():
                for name in lists(scopes) if scheme in schemes else ():
                    if isinstance(name, str):
                        found.setdefault(name, {})[method, path[:80]] = None
    return {name: tuple(uses) for name, uses in found.items()}


def _operations(document: Mapping[str, Any]) -> Iterator[tuple[str, str, Mapping[str, Any]]]:
    for path, item in maps(document.get("paths")).items():
        for method, operation in maps(item).items():
            if method in METHODS:
                yield method, path, maps(operation)
