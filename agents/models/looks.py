"""How a name is seen, kept beside it: lists ask for it in SQL, which knows no letters that look alike."""

from typing import TYPE_CHECKING, Any

from django.db import models

from kit import looks

if TYPE_CHECKING:
    _Text = models.CharField[str, str]
    _Flag = models.BooleanField[bool, bool]
else:
    _Text = models.CharField
    _Flag = models.BooleanField


class Looks(_Text):
    """What the name of a row looks like (`kit.looks.skeleton`), written whenever the row is saved whole."""

    def pre_save(self, model_instance: models.Model, add: bool) -> str:
        seen = looks.skeleton(model_instance.name)  # type: ignore[attr-defined]  # Whatever has looks has a name.
        setattr(model_instance, self.attname, seen)
        return seen


class IsOdd(_Flag):
    """Whether the name of a row has letters that look like others, written as `Looks` are."""

    def pre_save(self, model_instance: models.Model, add: bool) -> bool:
        is_odd = looks.has_odd_letters(model_instance.name)  # type: ignore[attr-defined]  # As above.
        setattr(model_instance, self.attname, is_odd)
        return is_odd


def of_client(name: str) -> dict[str, Any]:
    """Return the columns beside a client's name, for a row that is changed where it stands."""
    return {"looks": looks.skeleton(name), "is_odd": looks.has_odd_letters(name)}


def of_agent(name: str) -> dict[str, Any]:
    """Return the column beside an agent's name, likewise."""
    return {"looks": looks.skeleton(name)}
