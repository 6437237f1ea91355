"""The clock of the web process is set while it serves."""

import time
from datetime import timedelta
from pathlib import Path

import pytest
from django.utils import timezone
from jwcrypto.jws import JWS

from audit import ledger
from tests.faults.cluster import folder
from tests.faults.history import Kind
from tests.faults.processes import until
from tests.faults.test_work import due, rotated
from tests.faults.traffic import flowing
from tests.harness.world import claims

LIBRARY = next(Path("/usr/lib").glob("*/faketime/libfaketimeMT.so.1"), None)
pytestmark = [
    pytest.mark.faults,
    pytest.mark.long,
    pytest.mark.skipif(LIBRARY is None, reason="no libfaketime here (Debian: apt-get install faketime)"),
]
FIVE = 300
SERVED = 15


def kid(token):
    jws = JWS()
    jws.deserialize(token)
    return jws.jose_header["kid"]


def is_ahead(answer, seconds):
    """Say whether the clock that a token was written by is ahead of ours by so much."""
    ours = time.time() - (time.monotonic() - answer.got)
    return abs(claims(answer.token)["iat"] - ours - seconds) < 30


def brief(run):
    """Return a worker whose authority ends soon, and when."""
    known = {each.pk for each in run.world.delegations()}
    worker, end = run.world.worker(), (timezone.now() + timedelta(seconds=2 * FIVE)).replace(microsecond=0)
    (delegation,) = [each for each in run.world.delegations() if each.pk not in known]
    run.world.rewrite(delegation, expires_at=end)
    return worker, end.timestamp()


class Clock:
    """What the web process takes for the time, read anew each time it asks."""

    def __init__(self):
        self.file = folder() / "clock"
        self.file.write_text("+0s")
        self.environment = {
            "LD_PRELOAD": str(LIBRARY),
            "FAKETIME_TIMESTAMP_FILE": str(self.file),
            "FAKETIME_NO_CACHE": "1",
            "FAKETIME_DONT_FAKE_MONOTONIC": "1",
        }

    def step(self, run, traffic, seconds):
        """Set it, and wait until tokens are written by it whose keys are published."""
        self.file.write_text(f"{seconds:+}s")
        set_at = time.monotonic()

        def written():
            return [each for each in run.history.after(set_at) if each.token and is_ahead(each, seconds)]

        traffic.until_true(lambda: len(written()) >= SERVED)
        published = {key["kid"] for key in run.world.http.get(run.world.url("/jwks.json")).json()["keys"]}
        assert {kid(each.token) for each in written()} <= published


def test_a_clock_that_is_stepped_gives_nothing_twice_and_nothing_beyond_the_end_of_what_was_allowed(run):
    clock = Clock()
    run.product.web(**clock.environment)
    worker, end = brief(run)
    due(run)
    with flowing(run.world, run.history) as traffic:
        for seconds in (FIVE, 0, -FIVE, FIVE):
            clock.step(run, traffic, seconds)
            run.history.ask(Kind.MINT, worker.id, lambda: run.world.own_token(worker))
            if seconds < 0:
                beat = run.product.beat()
                until(lambda: rotated(run) == 2, beat)
                beat.kill()
                clock.step(run, traffic, seconds)
    lasting = [claims(each.token)["exp"] for each in run.history.of(Kind.MINT) if each.about == worker.id]
    assert len(lasting) == 4
    assert end - 1 <= max(lasting) <= end, "cut short by the end of what was allowed"
    assert any(each.successor for each in run.history.of(Kind.REFRESH))
    run.product.end()
    while ledger.seal(run.world.tenant.pk, using="operator", whole=True):
        pass  # What a clock put far back is chained within the hour.
    run.check("the web process's clock is set, five minutes ahead and back", "served; nothing twice, nothing longer")
