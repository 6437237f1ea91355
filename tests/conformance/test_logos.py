"""Logos: fetched once by the clock, made anew, and served from our own origin."""

import io
import secrets
import time
from datetime import timedelta

import pytest
from django.conf import settings
from django.utils import timezone
from PIL import Image

from agents import actions as agent_actions
from agents import admission, logos
from agents.models import Approval, Logo
from agents.tasks import fetch_logos
from audit.models import Lease
from audit.principals import SYSTEM
from kit import context
from kit import picture as pictures
from kit.picture import BadPicture
from tenants import actions as tenant_actions
from tests.harness import hostile
from tests.harness import pictures as made
from tests.harness.footprint import leaves_only
from tests.harness.keyholder import as_credentials, document
from tests.harness.registering import Managed
from tests.harness.world import Credentials
from tests.spec import spec
from trust.models import OutboundHost


@pytest.fixture
def place(documents):
    path = f"/{secrets.token_hex(6)}.png"
    documents.answers[path] = made.served(made.picture())
    return path


def scout(world, documents, path):
    return Managed.register(world, logo_uri=documents.url(path))


def tick(world, later=timedelta(0)):
    """Let the clock look, with no host at rest."""
    with context.use(world.tenant):
        OutboundHost.objects.update(not_before=timezone.now(), failures=0)
        return logos.fetch_due(timezone.now() + later)


def get(world, client, **headers):
    return world.http.get(world.url(f"/logos/{client.pk}.png"), headers=headers)


@spec("CIMD", "8.8")
def test_pages_show_only_a_logo_of_our_own_making_and_that_nobody_checked_whose_it_is(world, documents, place):
    world.tenant = tenant_actions.change_policy(world.tenant, by=SYSTEM, registration="admission")
    agent = world.public_client(logo_uri=documents.url(place)).client
    picture = f'<img src="/t/{world.tenant.slug}/logos/{agent.pk}.png"'
    ours = f'<span class="mark{{}} unverified" aria-hidden="true">{picture}'
    ada = world.browser("ada")

    def seen(path):
        return ada.go(world.url(path)).text

    card, row = "/console/approvals", "/console/agents"
    assert all("<img" not in seen(path) for path in (card, row))
    assert tick(world) == 1
    assert all(ours.format("") in seen(path) for path in (card, row))
    with context.use(world.tenant):
        admission.approve(Approval.objects.get(), by=world.people["ada"], owner=world.people["ada"], ceiling=None)
    asked = world.ask(Credentials(agent), "alice", redirect_uri=agent.redirect_uris[0])
    assert ours.format(" large") in asked.page.text
    world.rewrite(agent, metadata={"logo_uri": "https://elsewhere.example/new.png"})
    assert "<img" not in seen(row)


@spec("CIMD", "8.8")
def test_a_logo_is_fetched_once_and_served_from_our_origin(world, documents, place):
    agent = scout(world, documents, place)
    assert get(world, agent.row).status_code == 404
    assert [tick(world), tick(world), tick(world, timedelta(days=2))] == [1, 0, 0]
    answer = get(world, agent.row)
    assert (answer.status_code, answer.headers["content-type"]) == (200, "image/png")
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert answer.headers["content-security-policy"] == "default-src 'none'; sandbox"
    assert Image.open(io.BytesIO(answer.content)).size == (64, 64)
    assert documents.seen.count(place) == 1
    assert get(world, agent.row, **{"If-None-Match": answer.headers["etag"]}).status_code == 304


@spec("CIMD", "8.8")
def test_a_documents_logo_is_fetched_too_and_by_no_request(world, documents, place):
    path = f"/agents/{secrets.token_hex(6)}.json"
    document(documents, path, logo_uri=documents.url(place))
    world.grant(as_credentials(documents.url(path)))
    assert place not in documents.seen
    assert tick(world) == 1
    with context.use(world.tenant):
        assert bytes(Logo.objects.get().png).startswith(b"\x89PNG")


@spec("CIMD", "8.8")
def test_a_logo_that_moved_is_not_shown_until_the_new_one_is_here(world, documents, place):
    agent = scout(world, documents, place)
    tick(world)
    other = f"/{secrets.token_hex(6)}.png"
    documents.answers[other] = made.served(made.picture(size=(32, 16)))
    assert agent.put(logo_uri=documents.url(other)).status_code == 200
    assert get(world, agent.row).status_code == 404
    assert tick(world) == 1
    assert Image.open(io.BytesIO(get(world, agent.row).content)).size == (32, 16)
    assert agent.put().status_code == 200
    assert get(world, agent.row).status_code == 404


def test_a_client_that_is_over_shows_no_logo(world, documents, place):
    agent = scout(world, documents, place)
    tick(world)
    with context.use(world.tenant):
        agent_actions.disable_client(agent.row, by=SYSTEM, reason="strange")
    assert get(world, agent.row).status_code == 404


@spec("CIMD", "8.6")
@pytest.mark.parametrize(
    "answer",
    [
        hostile.redirect,
        hostile.endless,
        hostile.json_answer(b"{}"),
        made.served(b"<svg xmlns='http://www.w3.org/2000/svg' onload='alert(1)'/>", "image/svg+xml"),
        made.served(b"<svg xmlns='http://www.w3.org/2000/svg' onload='alert(1)'/>"),
        made.served(b"<script>alert(1)</script>"),
        made.served(b""),
        made.served(made.picture()[:80]),
        made.served(made.picture("BMP")),
        made.served(made.picture("TIFF")),
        made.served(made.bomb(9_000, 9_000)),
        made.served(made.picture("BMP", (400, 400))),
    ],
    ids=["redirect", "endless", "json", "svg", "svg as png", "html", "empty", "cut", "bmp", "tiff", "bomb", "large"],
)
def test_what_is_no_small_picture_is_not_kept_and_asked_for_again_tomorrow(world, documents, place, answer):
    documents.answers[place] = answer
    agent = scout(world, documents, place)
    assert [tick(world), tick(world)] == [0, 0]
    assert documents.seen.count(place) == 1
    assert get(world, agent.row).status_code == 404
    documents.answers[place] = made.served(made.picture())
    assert tick(world, timedelta(hours=25)) == 1
    assert get(world, agent.row).status_code == 200


@spec("CIMD", "8.6")
def test_a_logo_inside_is_never_asked_for(world):
    agent = Managed.register(world, logo_uri="https://127.0.0.1/logo.png")
    other = Managed.register(world, logo_uri="https://localhost:1/logo.png")
    assert tick(world) == 0
    assert [get(world, each.row).status_code for each in (agent, other)] == [404, 404]


def test_a_batch_is_bounded_and_those_that_were_never_tried_come_first(world, documents, place, monkeypatch):
    monkeypatch.setattr(logos, "BATCH", 2)
    for _ in range(3):
        scout(world, documents, place)
    assert [tick(world), tick(world), tick(world)] == [2, 1, 0]


def test_the_clocks_job_goes_through_tenants(world, documents, place):
    Lease.objects.using(settings.OPERATOR_ALIAS).all().delete()
    agent = scout(world, documents, place)
    assert fetch_logos() >= 1
    assert get(world, agent.row).status_code == 200


@pytest.mark.parametrize("name", ["", "x.png", "cli_.png", "cli_00000000000000000000000000.png", "%00"])
def test_a_logo_that_is_not_there_is_404_and_writes_nothing(world, name):
    with leaves_only(world):
        assert world.http.get(world.url(f"/logos/{name}")).status_code == 404


def test_a_logo_is_shown_by_its_own_tenant_alone_and_only_read(world, elsewhere, documents, place):
    agent = scout(world, documents, place)
    tick(world)
    assert get(elsewhere, agent.row).status_code == 404
    assert world.http.post(world.url(f"/logos/{agent.row.pk}.png")).status_code == 405


# --- making it anew


@pytest.mark.parametrize(
    ("raw", "size"),
    [
        (made.picture("PNG", (512, 300)), (256, 150)),
        (made.picture("JPEG", (1000, 2000)), (128, 256)),
        (made.picture("GIF", (10, 10)), (10, 10)),
        (made.picture("WEBP", (300, 300), "RGBA"), (256, 256)),
        (made.picture("PNG", (64, 64), "P"), (64, 64)),
        (made.picture("PNG", (64, 64), "L"), (64, 64)),
        (made.picture("PNG", (2000, 1)), (256, 1)),
    ],
    ids=["png", "jpeg", "gif", "webp", "palette", "grey", "thin"],
)
def test_a_picture_becomes_a_small_png(raw, size):
    found = Image.open(io.BytesIO(pictures.as_png(raw)))
    assert (found.format, found.size, found.mode) == ("PNG", size, "RGBA")


def test_of_an_animation_the_first_frame_is_left():
    found = Image.open(io.BytesIO(pictures.as_png(made.animated())))
    assert getattr(found, "n_frames", 1) == 1


def test_nothing_but_what_it_looks_like_is_passed_on():
    words = b"<script>alert(1)</script>"
    exif = Image.Exif()
    exif[0x010E] = words.decode()
    raw = made.picture("JPEG", exif=exif, comment=words) + words
    assert words in raw
    assert words not in pictures.as_png(raw)


@pytest.mark.parametrize("size", [(20_000, 20_000), (9_000, 9_000), (100_000, 1), (1, 100_000)])
def test_a_bomb_is_refused_by_what_it_says_before_it_is_unpacked(size):
    raw = made.bomb(*size)
    before = time.monotonic()
    with pytest.raises(BadPicture):
        pictures.as_png(raw)
    assert time.monotonic() - before < 0.5
