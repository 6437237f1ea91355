"""Which columns of a list are shown: words of its address, so that a copied address and a saved list keep them.

`?columns=owner&columns=refused`; none named is all of them. The column that names the row, and those that are pressed,
have no word and stay. Files and the API have everything.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from django.http import HttpRequest
from django.utils.functional import Promise
from django.utils.translation import gettext

from console.paging import COLUMNS, MOVES, Column


@dataclass(frozen=True, slots=True)
class Choice:
    """A column that can be left out, as its box shows it."""

    word: str
    label: str | Promise
    is_shown: bool


@dataclass(frozen=True, slots=True)
class Columns:
    """What a table shows of its columns, and the form that chooses among them: `kept` are the address's other words."""

    headings: Sequence[Column]
    shown: frozenset[str]
    choices: Sequence[Choice]
    kept: Sequence[tuple[str, str]]
    notes: Sequence[str]
    at: str
    all_url: str

    @property
    def is_chosen(self) -> bool:
        return not all(each.is_shown for each in self.choices)


def choose(request: HttpRequest, columns: Sequence[Column], *, at: str = "") -> Columns:
    """Return the columns that an address names, in the order of the table; `at` as for `paging.page`."""
    known = [each for each in columns if each.word]
    words = frozenset(each.word for each in known)
    asked = [word for word in request.GET.getlist(COLUMNS) if word]
    shown = words & frozenset(asked) or words
    rest = request.GET.copy()
    for name in (COLUMNS, *MOVES):
        rest.pop(name, None)
    unknown = [word[:60] for word in asked if word not in words][:5]
    return Columns(
        headings=[each for each in columns if not each.word or each.word in shown],
        shown=shown,
        choices=[Choice(each.word, each.label, each.word in shown) for each in known],
        kept=[(name, value) for name, values in rest.lists() for value in values],
        notes=[gettext("There is no column “%(word)s” here.") % {"word": word} for word in unknown],
        at=at,
        all_url=f"{at}?{rest.urlencode()}",
    )
