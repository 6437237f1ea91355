"""The ways in which a client comes to be known, and the mark of a test that shows one: a cell of docs/clients.md."""

import pytest

MANUAL, DYNAMIC, DOCUMENT = "by an administrator", "by itself (RFC 7591)", "by its document (CIMD)"


def shows(client: str, way: str) -> pytest.MarkDecorator:
    """Mark a test that shows a client coming in by one way."""
    return pytest.mark.client(client, way)


def each_way(client: str, *ways: str) -> pytest.MarkDecorator:
    """Run a test for each of these ways."""
    return pytest.mark.parametrize("way", [pytest.param(way, marks=shows(client, way)) for way in ways])
