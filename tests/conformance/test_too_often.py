"""Whoever tries too often is told from when it goes again: in words, on the clock, and for programs."""

import re
from datetime import datetime, timedelta

from django.utils import timezone

from tests.spec import spec


@spec("RFC 6585", "4")
def test_whoever_proves_themselves_wrongly_too_often_reads_from_when_it_goes_again(world):
    alice = world.browser("alice")
    alice.go(world.url("/login/again"))
    form = alice.form("/login/again")
    answers = [alice.submit(form, {"password": "not it"}) for _ in range(11)]
    refused = answers[-1]
    assert refused.status_code == 429, [each.status_code for each in answers]
    assert refused.headers["retry-after"] == "60"
    assert "no-store" in refused.headers["cache-control"]
    assert "Go back and try again in 1 minute." in alice.words()
    (until,) = re.findall(r'<time datetime="([^"]+)"', refused.text)
    assert timedelta(0) < datetime.fromisoformat(until) - timezone.now() <= timedelta(seconds=60)
