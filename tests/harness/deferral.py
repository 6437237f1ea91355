"""An agent that would rather wait than be refused, and whoever decides meanwhile."""

from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import httpx

from agents import admission
from agents.models import Approval
from kit import context, opaque
from kit.oauth import GrantType
from tests.harness.world import Credentials, World
from tokens.models import Deferral

WAITS = {"completion_mode": "deferred"}


@dataclass
class Waiting:
    """A request that waits, as its client knows it."""

    world: World
    who: Credentials
    answer: dict[str, Any]

    @property
    def code(self) -> str:
        return str(self.answer["deferral_code"])

    def poll(self, *, who: Credentials | None = None, **changes: Any) -> httpx.Response:
        """Ask again, as if it were time to."""
        self.rest()
        return self.poll_now(who=who, **changes)

    def poll_now(self, *, who: Credentials | None = None, **changes: Any) -> httpx.Response:
        form = {"grant_type": GrantType.DEFERRED.value, "deferral_code": self.code}
        return self.world.token(who or self.who, {**form, **changes})

    def rest(self) -> None:
        """Let the interval pass."""
        row = self.row()
        if row.polled_at is not None:
            self.world.rewrite(row, polled_at=row.polled_at - timedelta(seconds=row.poll_seconds))

    # --- whoever decides
    def approve(self, scopes: list[str] | None = None, **fields: Any) -> None:
        """Have Ada approve it: these scopes at the calendar, or all that can be given."""
        ceiling = None if scopes is None else {self.world.calendar.identifier: scopes}
        owner, by = self.world.people["bob"], self.world.people["ada"]
        with context.use(self.world.tenant):
            admission.approve(self.question(), by=by, owner=owner, ceiling=ceiling, **fields)

    def deny(self, reason: str = "no") -> None:
        with context.use(self.world.tenant):
            admission.deny(self.question(), by=self.world.people["ada"], reason=reason)

    def undo(self) -> None:
        with context.use(self.world.tenant):
            admission.undo(self.question(), by=self.world.people["ada"])

    # --- looking behind
    def row(self) -> Deferral:
        with context.use(self.world.tenant):
            return Deferral.objects.get(code=opaque.digest(self.code))

    def question(self) -> Approval:
        with context.use(self.world.tenant):
            return Approval.objects.select_related("agent").get(pk=self.row().approval_id)


def told(world: World, who: Credentials, answer: httpx.Response) -> Waiting:
    """Return what waits, once the answer was seen to say so as it must."""
    assert (answer.status_code, answer.headers["cache-control"]) == (400, "no-store"), answer.text
    body = answer.json()
    assert body["error"] == "authorization_pending", body
    assert set(body) == {"error", "error_description", "deferral_code", "expires_in", "interval"}
    return Waiting(world, who, body)


def more(world: World, who: Credentials, scope: str = "events:write", **changes: Any) -> Waiting:
    """Have an agent that acts for itself ask for more than it may, and wait."""
    return told(world, who, world.own_token(who, **{"scope": scope, **WAITS, **changes}))
