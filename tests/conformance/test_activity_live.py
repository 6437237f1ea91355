"""The activity while it happens: what is newer than a page, and what stands beside one entry."""

import html
import re
from datetime import timedelta

import pytest
from django.utils import timezone

from audit import export
from audit.models import Entry
from kit import context, identifiers
from tests.conformance.test_activity_page import PLACE, events, lines
from tests.harness.world import claims
from tests.spec import spec


@pytest.fixture
def ada(world):
    return world.browser("ada")


def tail(page):
    """Return where a page asks for what is newer."""
    return html.unescape(re.search(r'id="tail" hx-get="([^"]+)"', page.text)[1])


@spec("RFC 9110", "15.3.5")
def test_what_is_newer_is_told_once_and_where_to_ask_next(world, ada):
    world.grant(world.public_client("Scout"))
    first = tail(ada.go(world.url(PLACE)))
    assert ada.go(f"{world.origin}{first}").status_code == 204
    world.grant(world.public_client("Later"))
    newer = ada.go(f"{world.origin}{first}")
    assert newer.status_code == 200
    assert any(each.startswith("Alice allowed Later: read your calendar on Calendar") for each in lines(newer))
    assert not any("Scout" in line for line in lines(newer))
    assert f'data-said="{len(lines(newer))} new entries."' in newer.text
    assert ada.go(f"{world.origin}{tail(newer)}").status_code == 204


@spec("RFC 9110", "15.3.5")
def test_what_is_newer_is_narrowed_as_the_page_is(world, ada):
    world.grant(world.public_client("Scout"))
    first = tail(ada.go(world.url(f"{PLACE}?event=delegation.*")))
    world.grant(world.public_client("Later"))
    assert set(events(ada.go(f"{world.origin}{first}"))) == {"delegation.allowed"}


@spec("RFC 9110", "15.5.1")
@pytest.mark.parametrize(
    "after", ["", "evt_1", "dlg_01ke3c8v6mfk9rv2d3kq5n7p8t", "evt_01ke3c8v6mfk9rv2d3kq5n7p8t' or 1"]
)
def test_only_what_is_newer_than_an_entry_is_asked_for(world, ada, after):
    assert ada.go(world.url(f"{PLACE}/newer?after={after}")).status_code == 400


@spec("RFC 9110", "15.3.5")
def test_a_page_further_back_does_not_watch_and_members_may_not(world, ada):
    assert 'id="tail"' in ada.go(world.url(PLACE)).text
    with context.use(world.tenant):
        newest = Entry.objects.order_by("-pk").first()
    assert 'id="tail"' not in ada.go(world.url(f"{PLACE}?before={newest.pk}")).text
    assert world.browser("alice").go(world.url(f"{PLACE}/newer?after={newest.pk}")).status_code == 403


@spec("RFC 9110", "15.3.1")
def test_where_nothing_matches_a_longer_time_is_one_press_away(world, ada):
    world.grant(world.public_client("Scout"))
    soon = (timezone.now() + timedelta(hours=1)).strftime("%Y-%m-%dT%H:%M:%SZ")
    page = ada.go(world.url(f"{PLACE}?since={soon}&event=delegation.*"))
    assert events(page) == []
    (wider,) = re.findall(r'href="(\?[^"]*)">Widen to 30 days', page.text)
    assert set(events(ada.go(world.url(f"{PLACE}{html.unescape(wider)}")))) == {"delegation.allowed"}
    assert "Widen to 30 days" not in ada.go(world.url(f"{PLACE}?event=nothing.*")).text


@spec("RFC 8693", "4.1")
def test_an_entry_shows_what_happened_in_its_chain(world, ada):
    planner, helper = world.secret_client("Planner"), world.helper("Summariser")
    world.let_hand_on(planner, helper)
    token = world.grant(planner)["access_token"]
    other = world.exchange(helper, token).json()["access_token"]
    part, whole = claims(other)["delegation_id"], claims(token)["delegation_id"]
    world.grant(world.public_client("Stranger"))
    with context.use(world.tenant):
        allowed = Entry.objects.get(event="delegation.allowed", about_id=whole)
        handed = Entry.objects.get(event="delegation.handed_on", about_id=part)
        issued = Entry.objects.get(event="token.issued", detail__delegation=part)
        stranger = Entry.objects.filter(event="delegation.allowed").order_by("-pk").first()
    for one, beside in ((allowed, {handed}), (issued, {allowed}), (handed, {allowed})):
        page = ada.go(world.url(f"{PLACE}/events/{one.pk}"))
        chain = page.text.partition("In the same chain")[2]
        assert {each.pk for each in beside} <= set(re.findall(r"/events/(evt_\w+)", chain))
        assert stranger.pk not in chain
    assert "In the same chain" not in ada.go(world.url(f"{PLACE}/events/{stranger.pk}")).text


@spec("RFC 9700", "2.3")
def test_the_activity_says_how_long_it_is_kept_and_how_far_its_chain_reaches(world, ada):
    page = ada.go(world.url(PLACE))
    assert "Entries are kept for good" in page.text
    assert re.search(r"chained, up to <a href=\"[^\"]*evt_|No entry is chained yet", page.text)


@spec("RFC 9110", "15.3.3")
def test_what_is_too_long_for_an_answer_is_written_as_long_work(world, ada):
    world.grant(world.public_client("Scout"))
    long_ago = timezone.now() - timedelta(days=40)
    with context.use(world.tenant):
        ids = sorted(identifiers.make("evt") for _ in range(export.MOST))
        Entry.unscoped.bulk_create(
            (Entry(id=each, tenant_id=world.tenant.pk, at=long_ago, event="agent.changed") for each in ids),
            batch_size=1000,
        )
    page = ada.go(world.url(f"{PLACE}/export.csv"))
    assert (page.status_code, "more than 10,000 entries" in page.text) == (422, True)
    page = ada.submit(ada.form("/file/json?"))
    assert (page.status_code, "/console/jobs/job_" in str(page.url)) == (200, True)
    (started,) = world.entries("job.started")
    assert started.principal_label == "Ada"
    narrowed = ada.go(world.url(f"{PLACE}/export.csv?event=delegation.*"))
    assert narrowed.status_code == 200
