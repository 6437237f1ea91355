"""`@spec("RFC 8693", "2.1")`: binds a test to the clause that its name paraphrases."""

from collections.abc import Callable
from typing import Any

import pytest

DOCUMENTS = (
    "RFC ", "Idempotency-Key", "CIMD", "ID-JAG", "WAG", "DTR", "Status List", "MCP", "OIDC", "RT expiration",
    "Standard Webhooks",
)  # fmt: skip


def spec(document: str, section: str) -> Callable[[Any], Any]:
    assert document.startswith(DOCUMENTS), document
    return pytest.mark.spec(document, section)
