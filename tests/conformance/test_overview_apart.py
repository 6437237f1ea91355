"""What cannot be counted on the overview says so, and takes nothing else with it."""

import re

import pytest
from django.db import OperationalError, connection

from kit import patience
from tests.conformance.test_resources_api import asker
from tests.harness import server, vandal

MISSING = "This could not be counted just now."


@pytest.mark.parametrize("table", ["audit_entry", "trust_trustedissuer"])
def test_a_figure_that_cannot_be_counted_leaves_the_others_and_can_be_tried_again(world, table):
    world.grant(world.public_client())
    ask, ada = asker(world, "ada", "agents:read"), world.browser("ada")
    with vandal.unreadable(table):
        page = ada.go(world.url("/console"))
        figures = ask("GET", "/stats/overview")
    assert page.status_code == 200
    said, number = ada.words(), page.headers["X-Request-Id"]
    assert ("As of" in said, number in said) == (True, True)
    if table == "audit_entry":
        nothing = {name for name, value in figures.json().items() if value is None}
        refusals = {"refused_by_day", "refused_today", "refused_within_a_day", "agents_refused_within_a_day"}
        assert nothing == {*refusals, "oldest_waiting_since"}
        assert "Refused, 24 h – could not be counted" in said
        assert f"Refused requests {MISSING}" in said
    else:
        assert (said.count(MISSING), "There may be more: not all of it could be counted" in said) == (0, True)
        assert "Not everything could be counted just now." in said
    log = server.LOG.read_text(errors="replace").splitlines()
    assert any("not counted" in line and number in line for line in log)
    again = re.search(r'<a href="([^"]+)">Try again</a>', page.text)[1]
    ada.go(world.origin + again)
    assert (number in ada.words(), "counted" in ada.words()) == (False, False)


@pytest.mark.postgresql
def test_a_statement_that_takes_too_long_ends_and_the_limit_with_its_block():
    with connection.cursor() as cursor:
        with patience.within(0.05):
            with pytest.raises(OperationalError):
                cursor.execute("SELECT pg_sleep(5)")
            cursor.execute("SELECT 1")
        cursor.execute("SHOW statement_timeout")
        assert cursor.fetchone() == ("0",)
