"""A judgement as a list of steps, each passed, failed or not reached: the first no decides, no later one runs."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass

PASSED, FAILED, NOT_REACHED = "passed", "failed", "not_reached"
MAX_SAID = 200

Check = Callable[[], str]
"""One check: what it looked at, in words; raises Failed."""


@dataclass(frozen=True, slots=True)
class Step:
    """One check: its name, its verdict, what it looked at, and where it failed why, and what would allow it."""

    name: str
    verdict: str
    said: str = ""
    reason: str = ""
    remedy: str = ""

    def as_json(self) -> dict[str, str]:
        """Return the members that have a value."""
        members = {
            "step": self.name,
            "verdict": self.verdict,
            "said": self.said,
            "reason": self.reason,
            "remedy": self.remedy,
        }
        return {name: value for name, value in members.items() if value}

    @classmethod
    def of_json(cls, members: Mapping[str, str]) -> "Step":
        """Return a step as it was kept."""
        return cls(
            members.get("step", ""),
            members.get("verdict", ""),
            members.get("said", ""),
            members.get("reason", ""),
            members.get("remedy", ""),
        )


class Failed(Exception):
    """A check says no: why, what would allow it, and what it looked at."""

    def __init__(self, reason: str, *, remedy: str = "", said: str = "") -> None:
        self.reason, self.remedy, self.said = reason, remedy, said
        super().__init__(reason)


def walk(checks: Iterable[tuple[str, Check]]) -> list[Step]:
    """Run checks in order up to the first that fails; those behind it are not reached."""
    steps: list[Step] = []
    for name, check in checks:
        if steps and steps[-1].verdict != PASSED:
            steps.append(Step(name, NOT_REACHED))
            continue
        try:
            steps.append(Step(name, PASSED, check()[:MAX_SAID]))
        except Failed as no:
            steps.append(Step(name, FAILED, no.said[:MAX_SAID], no.reason[:MAX_SAID], no.remedy))
    return steps


def allows(steps: Iterable[Step]) -> bool:
    """Say whether every step passed; of no step at all nothing follows."""
    verdicts = [step.verdict for step in steps]
    return bool(verdicts) and all(verdict == PASSED for verdict in verdicts)
