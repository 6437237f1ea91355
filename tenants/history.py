"""What a setting was, read back from the words in which the ledger keeps it."""

from typing import Any

from django.db import models

from tenants.errors import BadSetting
from tenants.models import Tenant


def said(setting: str, text: str) -> Any:
    """Return the value of a setting that the ledger wrote as this text (`tenants.actions`); raises BadSetting."""
    field = Tenant._meta.get_field(setting)
    if isinstance(field, models.BooleanField):
        return text == "yes"
    if isinstance(field, models.JSONField):
        listed = text.split(", ") if text else []
        return _numbers(setting, listed) if field.default is dict else listed
    return _number(setting, text) if isinstance(field, models.IntegerField) else text


def _numbers(setting: str, listed: list[str]) -> dict[str, int]:
    pairs = (each.partition(": ") for each in listed)
    return {name: _number(setting, number) for name, _colon, number in pairs}


def _number(setting: str, text: str) -> int:
    if not text.isdecimal() or len(text) > 9:
        raise BadSetting(setting, text)
    return int(text)
