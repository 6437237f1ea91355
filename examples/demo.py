"""`make demo`: five whole journeys, one line for each step. Ends with 0 only if every step went as told."""

import logging
import sys
from contextlib import AbstractContextManager, ExitStack
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

import anyio
import httpx
import httpx2

from examples import running
from examples.agent import Refused
from examples.person import Person
from examples.plays import FifthPlay, FirstPlay, FourthPlay, SecondPlay, ThirdPlay, stage
from examples.publisher import Site, publishing

EXPLAINED = (
    stage.Unexpected, Refused, RuntimeError, LookupError, PermissionError, httpx.HTTPError, httpx2.HTTPError,
    ExceptionGroup,
)  # fmt: skip


async def play(calendar: str, notes: str, notes_there: str, site: Site) -> None:
    teller, alice = stage.Teller(), Person(stage.ISSUER, stage.EMAIL, stage.PASSWORD)
    await FirstPlay(teller, alice, calendar, notes).play()
    await SecondPlay(teller, alice, notes, site).play()
    await ThirdPlay(teller, alice, notes).play()
    await FourthPlay(teller, alice, notes_there).play()
    await FifthPlay(teller, calendar).play()
    await alice.close()


def main() -> int:
    logging.disable(logging.CRITICAL)  # The SDK logs a refusal with its traceback; here refusals are the point.
    try:
        with ExitStack() as stack:
            site = stack.enter_context(publishing(stage.DOCUMENTS, stage.CA_FILE))
            stack.enter_context(running.remit(stage.ORIGIN))
            calendar = stack.enter_context(
                running.protected_server(stage.CALENDAR, stage.ISSUER, "Calendar", "events:read", "events:write")
            )
            notes = stack.enter_context(_notes(stage.NOTES, stage.ISSUER, stage.NOTES_INTROSPECTOR))
            notes_there = stack.enter_context(_notes(stage.OTHER_NOTES, stage.OTHER_ISSUER, stage.OTHER_INTROSPECTOR))
            anyio.run(play, calendar, notes, notes_there, site)
    except EXPLAINED as error:
        print(f"The demo stops: {_root(error)}", file=sys.stderr)
        return 1
    print("All as told.")
    return 0


def _notes(port: int, issuer: str, asking_as: tuple[str, str]) -> AbstractContextManager[str]:
    """Run a server that asks about each token, so that an end shows at once."""
    return running.protected_server(port, issuer, "Notes", "notes:read", "notes:write", asking_as=asking_as)


def _root(error: Exception) -> Exception:
    """Return what went wrong first: the SDK's task groups wrap it."""
    return _root(error.exceptions[0]) if isinstance(error, ExceptionGroup) else error


if __name__ == "__main__":
    sys.exit(main())
