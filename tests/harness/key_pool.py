"""RSA keys for tenants that tests open: a few for each test process, handed out in turns.

Making one takes longer than most tests. Tenants that are there at the same time have different ones, as the product
promises; how a key is made is shown by the tests that make one themselves (`tokens.keys.generate` before this).
"""

from collections.abc import Mapping
from itertools import count
from typing import Any

from tokens import keys

SIZE = 16
Made = tuple[str, Mapping[str, Any], str]


def install() -> None:
    """Let this process hand out keys again, once it has made as many as there are places."""
    genuine, pool, turn = keys.generate, dict[int, Made](), count()

    def generate(algorithm: str) -> Made:
        if algorithm != "RS256":
            return genuine(algorithm)
        place = next(turn) % SIZE
        if place not in pool:
            pool[place] = genuine(algorithm)
        return pool[place]

    keys.generate = generate
