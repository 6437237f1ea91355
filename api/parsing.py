"""JSON of strangers, read as everywhere else: bounded in size and depth, no repeated members, nothing unstorable."""

from collections.abc import Mapping
from typing import IO, Any

from rest_framework.exceptions import ParseError
from rest_framework.parsers import BaseParser

from kit import forms, strict_json


class StrictJSON(BaseParser):
    """An object in JSON; raises ParseError for whatever is not one."""

    media_type = "application/json"

    def parse(
        self, stream: IO[bytes], media_type: str | None = None, parser_context: Mapping[str, Any] | None = None
    ) -> Mapping[str, Any]:
        raw = stream.read(forms.MAX_BODY + 1)
        if len(raw) > forms.MAX_BODY:
            raise ParseError
        try:
            return strict_json.parse_object(raw or b"{}", limit=forms.MAX_BODY)
        except ValueError as error:
            raise ParseError from error
