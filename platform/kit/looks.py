"""What a name looks like to a person: letters that are taken for each other, and those that nobody sees."""

import unicodedata
from functools import lru_cache

MOST = 100
"""Letters of a skeleton that are kept: a database's index takes no more of any name."""
_ALIKE = str.maketrans({"0": "o", "1": "l", "|": "l", "3": "e", "5": "s", "i": "l"})


@lru_cache(maxsize=50_000)
def skeleton(name: str) -> str:
    """Return what a name looks like: letters that are taken for each other become the same one."""
    plain = unicodedata.normalize("NFKD", name).casefold().translate(_ALIKE).replace("rn", "m").replace("vv", "w")
    return "".join(each for each in plain if each.isalnum())[:MOST]


def has_odd_letters(name: str) -> bool:
    """Say whether letters of a name look like others, or are seen by nobody."""
    return any(unicodedata.category(each) in {"Cf", "Co", "Cn"} for each in name) or _mixes_scripts(name)


def _mixes_scripts(name: str) -> bool:
    scripts = {unicodedata.name(each, "?").split(" ")[0] for each in name if each.isalpha()}
    return len(scripts) > 1
