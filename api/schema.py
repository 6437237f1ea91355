"""The API in OpenAPI 3.1: made of what the views declare, so that it says what they do."""

import inspect
import re
from collections.abc import Mapping, Sequence
from functools import lru_cache
from typing import Any

from drf_spectacular.generators import SchemaGenerator
from drf_spectacular.openapi import AutoSchema
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, OpenApiResponse, inline_serializer
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from api import idempotency, paging
from api.authentication import tenant_of
from api.listing import Listing
from api.permissions import scope_for
from api.problems import CONTENT_TYPE, TITLES
from kit.search import SearchFilter, known

_VERBS = {"GET": "read", "PATCH": "change", "PUT": "put", "DELETE": "remove"}
_COLUMNS = frozenset({2**15 - 1, 2**31 - 1, 2**63 - 1})
_ALWAYS, _WRITING = (400, 401, 403, 404, 405, 406, 429), (409, 412, 413, 415, 422)


class ProblemSerializer(serializers.Serializer[Any]):
    """Problem details (RFC 9457). `instance` names the request, for whoever reads the log."""

    type = serializers.CharField(help_text="The address of a page about it, or about:blank where the status says it.")
    title = serializers.CharField()
    status = serializers.IntegerField()
    instance = serializers.CharField()
    detail = serializers.CharField(required=False)
    roles = serializers.ListField(
        child=serializers.CharField(), required=False, help_text="Roles that would do, where the person's does not."
    )
    # `errors` is a word of the framework's own, too.
    errors = serializers.DictField(required=False, help_text="What is wrong with each member.")  # type: ignore[assignment]


class Described(AutoSchema):
    """An operation as its view declares it: `scopes`, `acts`, `reads`, `answers`, `made`."""

    def get_operation_id(self) -> str:
        steps = re.sub(r"\{[^}]+\}", "", self.path.removeprefix("/api/v1/"))
        name = "_".join(step for step in re.split(r"[/.-]", steps) if step)
        if isinstance(self._declared("answers"), Listing):
            return f"{name}_list"
        if self.method == "POST":
            return f"{name}_create" if self._makes() else name
        return f"{name}_{_VERBS[self.method]}" if self.path.endswith("}") or self.method != "GET" else name

    def get_tags(self) -> list[str]:
        return [self.path.removeprefix("/api/v1/").split("/")[0].split(".")[0]]

    def get_description(self) -> str:
        words = [inspect.cleandoc(type(self.view).__dict__.get("__doc__") or "")]
        scope, act = scope_for(self.view, self.method), getattr(self.view, "acts", {}).get(self.method)
        words += [f"Scope: `{scope}`."] if scope else []
        words += [f"For people whose role allows `{act}`; never for an agent's own token."] if act else []
        return "\n\n".join(word for word in words if word)

    def get_auth(self) -> list[Mapping[str, Any]]:
        scope = scope_for(self.view, self.method)
        return [{"oauth": [scope]}] if scope else [{}]

    def get_override_parameters(self) -> Sequence[Any]:
        declared = self._declared("answers")
        if isinstance(declared, Listing):
            return _of_a_list(declared)
        if self.method == "GET":
            asks: Mapping[str, Sequence[str]] = getattr(self.view, "asks", {})
            return [OpenApiParameter(name, str, enum=list(values)) for name, values in asks.items()]
        read = [_header("If-Match", "The ETag of what you read: 412 if it was changed since.")]
        once = [_header(idempotency.HEADER, "The same key and the same request: the same answer, for 24 hours.")]
        return read + once

    def get_request_serializer(self) -> Any:
        return self._declared("reads")

    def get_response_serializers(self) -> Any:
        codes = _ALWAYS if self.method == "GET" else (*_ALWAYS, *_WRITING)
        problems = {
            (code, CONTENT_TYPE): OpenApiResponse(ProblemSerializer, description=TITLES[code]) for code in codes
        }
        return {**self._good(), **problems}

    def _good(self) -> Mapping[Any, Any]:
        declared = self._declared("answers")
        if isinstance(declared, Listing):
            return {200: _page(declared)}
        if declared is None and self.method == "DELETE":
            return {204: OpenApiResponse(None, description="It is done.")}
        return {201 if self._makes() else 200: declared or OpenApiTypes.OBJECT}

    def _makes(self) -> bool:
        return self.method == "POST" and getattr(self.view, "made", False)

    def _declared(self, name: str) -> Any:
        return getattr(self.view, name, {}).get(self.method)

    def _is_list_view(self, serializer: Any = None) -> bool:
        return False  # A list is an object with a page in it.


def document() -> dict[str, Any]:
    """Return the whole document, of no tenant in particular."""
    made: dict[str, Any] = SchemaGenerator(urlconf="api.urls").get_schema(request=None, public=True)
    _without_columns(made)
    shared = made["components"].setdefault("responses", {})
    for operation in (each for methods in made["paths"].values() for each in methods.values()):
        for code, response in operation["responses"].items():
            if CONTENT_TYPE in response.get("content", {}):
                shared[f"Problem{code}"] = response
                operation["responses"][code] = {"$ref": f"#/components/responses/Problem{code}"}
    later = {"description": "In how many seconds to ask again.", "schema": {"type": "integer"}}
    shared["Problem429"]["headers"] = {"Retry-After": later}
    return made


def _without_columns(part: Any) -> None:
    """Take out how large a number a column can hold: that is the database's, and not the API's."""
    if isinstance(part, dict):
        if part.get("maximum") in _COLUMNS:
            part.pop("maximum")
            part.pop("format", None)
        for each in part.values():
            _without_columns(each)
    elif isinstance(part, list):
        for each in part:
            _without_columns(each)


@lru_cache
def _once() -> dict[str, Any]:
    return document()


class Schema(APIView):
    """This document, for the tenant that is asked. It takes no token: there is nothing in it but words."""

    authentication_classes = []
    permission_classes = []
    http_method_names = ["get", "head", "options"]
    schema = None

    def get(self, request: Request) -> Response:
        return Response({**_once(), "servers": [{"url": tenant_of(request).issuer}]})


def _of_a_list(listing: Listing) -> list[OpenApiParameter]:
    words = listing.filter.base_filters if listing.filter else {}
    found = [_query(name, _meaning(each), each.extra.get("choices")) for name, each in words.items()]
    limit = OpenApiParameter("limit", int, description=f"1 to {paging.MOST}; {paging.USUAL} if it is not said.")
    if listing.orders is not None:
        first = next(iter(listing.orders))
        found.append(_query("order", f"{first} if it is not said.", [(word, "") for word in listing.orders]))
    return [limit, _query("cursor", "`next` of the page before.", None), *found]


def _meaning(each: Any) -> str:
    """Return what a word of a list says; a question, by the names that it may have in it."""
    if not isinstance(each, SearchFilter):
        return str(each.label or "")
    return f'Plain words, and beside them, each once or more: {known(each.words)} Quotes keep `"two words"` together.'


def _query(name: str, words: str, choices: Any) -> OpenApiParameter:
    enum = [str(value) for value, _ in choices] if choices else None
    return OpenApiParameter(name, str, description=words, enum=enum)


def _header(name: str, words: str) -> OpenApiParameter:
    return OpenApiParameter(name, str, OpenApiParameter.HEADER, description=words)


def _page(listing: Listing) -> Any:
    name = f"{listing.row.__name__.removesuffix('Serializer')}Page"
    following = serializers.CharField(allow_null=True, help_text="The cursor of the next page; null on the last one.")
    return inline_serializer(name, {listing.name: listing.row(many=True), "next": following, **listing.beside})
