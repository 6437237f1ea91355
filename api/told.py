"""What rows of lists have in common: a sentence, and where a person finds the same."""

from typing import Any

from rest_framework import serializers

from tenants.directory import current


class Told(serializers.Serializer[Any]):
    """`summary` says it in a sentence; `links.console` is its page."""

    summary = serializers.SerializerMethodField()
    links = serializers.SerializerMethodField()

    def get_summary(self, row: Any) -> str:
        raise NotImplementedError

    def get_links(self, row: Any) -> dict[str, str]:
        return {"console": f"{current().issuer}/console/{self.page(row)}"}

    def page(self, row: Any) -> str:
        """Return the path of its page below the console."""
        raise NotImplementedError


FIELDS = ("summary", "links")
