"""The languages that people read: what a browser asks for, and saying something in one of them.

The wire has none of this: protocol endpoints, the API and the ledger are in English, whoever asks.
"""

from contextlib import AbstractContextManager

from django.conf import settings
from django.utils import translation
from django.utils.translation.trans_real import parse_accept_lang_header

LONGEST_HEADER = 500


def is_known(code: str) -> bool:
    """Say whether a code is one of `settings.LANGUAGES`."""
    return code in dict(settings.LANGUAGES)


def spoken(header: str, *, default: str = "") -> str:
    """Return the one of our languages that an Accept-Language header likes best (RFC 9110 §12.5.4), or the default."""
    for code, _ in parse_accept_lang_header(header[:LONGEST_HEADER].lower()):
        if code == "*":
            break
        try:
            return translation.get_supported_language_variant(code)
        except LookupError:
            continue
    return default if is_known(default) else settings.LANGUAGE_CODE


def reading(code: str) -> AbstractContextManager[None]:
    """Say everything inside in a language; one that is not ours, or not any more, is the default."""
    return translation.override(code if is_known(code) else settings.LANGUAGE_CODE)


def plainly() -> AbstractContextManager[None]:
    """Say everything inside in the language of the wire and the ledger, whatever the person reads who does it."""
    return translation.override(settings.LANGUAGE_CODE)
