"""What is done on a page, and what is done over the API: a row of the table."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from django.urls import resolve

from tests.harness.world import World

Names = dict[str, Any]
"""What stands for `{name}` in any text of a case."""
Scene = Callable[[World, Names], Names | None]
"""Brings the world to where it begins, as the current tenant; gives further names."""


@dataclass(frozen=True, slots=True)
class Press:
    """A form of the open page, by a part of its action and its place among those, and what is typed into it.

    A button of it may lead elsewhere (`to`), a file may go with it, and the page behind it may be answered otherwise.
    """

    action: str = ""
    fill: Mapping[str, Any] | None = None
    nth: int = 0
    to: str = ""
    files: Mapping[str, bytes] | None = None
    status: int = 200


@dataclass(frozen=True, slots=True)
class Ask:
    """A request of the API. Of what it answers `{made_id}` is the `id` for those after it."""

    method: str
    path: str
    body: Any = None
    headers: Mapping[str, str] | None = None

    @property
    def endpoint(self) -> str:
        """Its name, as tests/architecture/test_every_action.py has it."""
        return f"{self.method} {route_of(self.path)}"


@dataclass(frozen=True, slots=True)
class Case:
    """`form` is the name of the page's address that the last form leads to.

    `no_row` and `not_told` say why, where no row of the tenant changes, or the ledger says nothing.
    """

    form: str
    page: str
    press: tuple[Press, ...]
    asks: tuple[Ask, ...]
    scene: Scene | None = None
    person: str = "ada"
    no_row: str = ""
    not_told: str = ""

    def __str__(self) -> str:
        return f"{self.form}: {', '.join(each.endpoint for each in self.asks)}"


def case(form: str, page: str, press: "Press | tuple[Press, ...]", asks: "Ask | tuple[Ask, ...]", **more: Any) -> Case:
    """Return a row; one press and one request may stand alone."""
    return Case(
        form, page, (press,) if isinstance(press, Press) else press, (asks,) if isinstance(asks, Ask) else asks, **more
    )


def route_of(path: str) -> str:
    """Return the route of the API that a path is on, with the names of what stands in it."""
    route = resolve(f"/api/v1/{path.partition('?')[0]}", "api.urls").route
    return route.removeprefix("api/v1/").replace("<str:", "").replace("<path:", "").replace(">", "")


def filled(words: Any, names: Names) -> Any:
    """Return what is said, with what the names stand for; a text that is one name alone becomes what that is."""
    if isinstance(words, str):
        if words[:1] == "{" and words[1:-1] in names:
            return names[words[1:-1]]
        for name, value in names.items():
            words = words.replace(f"{{{name}}}", str(value))
        return words
    if isinstance(words, Mapping):
        return {filled(name, names): filled(value, names) for name, value in words.items()}
    return [filled(each, names) for each in words] if isinstance(words, list) else words
