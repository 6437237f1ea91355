"""The web process dies in the middle of requests."""

import time

import pytest

from tests.faults import gate
from tests.faults.conftest import IS_WHOLE
from tests.faults.history import Kind
from tests.faults.traffic import flowing

pytestmark = pytest.mark.faults


# What stands in the transaction when the process dies: a token of a family, a code, an end.
IN_THE_MIDDLE = [("UPDATE", "tokens_refreshtoken", ""), ("UPDATE", "tokens_authorizationcode", "")]
ENDING = ("INSERT", "audit_entry", "NEW.event = 'delegation.ended'")


def test_a_web_process_that_is_killed_under_load_redeems_nothing_twice(run):
    web = run.product.web()
    with flowing(run.world, run.history) as traffic:
        for where in [*IN_THE_MIDDLE, ENDING][: None if IS_WHOLE else 1]:
            traffic.until(20, since=time.monotonic())
            with gate.closed(run.cluster, *where) as closed:
                closed.await_visitor(web)
                web.kill()
            web = run.product.web()
            again = time.monotonic()
            traffic.until(20, since=again)
    assert any(each.status == 200 for each in run.history.of(Kind.END))
    run.check("kill -9 of web while codes, refreshes and ends are under way", "one use, one line", since=again)
