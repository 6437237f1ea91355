"""Signing keys over REST and on their page: the same refusals, and what is said of them."""

from datetime import timedelta

import pytest
from django.utils import timezone

from audit.principals import SYSTEM
from kit import addresses, context
from tests.conformance.test_api import api_token, call
from tests.harness import inside
from tests.harness.browser import Form
from tests.harness.footprint import leaves_only
from tests.harness.world import PASSWORD
from tests.spec import spec
from tokens import fetchers, rotation, signed
from tokens.models import AccessToken, KeyFetch, SigningKey

SCOPES = "keys:read keys:write"
KEYS = "/console/keys"
ROLES = (
    ("security", 200, 400),
    ("approver", 200, 403),
    ("auditor", 200, 403),
    ("developer", 403, 403),
    ("member", 403, 403),
)


@pytest.fixture
def token(world):
    """Ada's, through an app."""
    return api_token(world, world.public_client("Console app"), "ada", SCOPES)


@pytest.fixture
def ready(world):
    """The next keys were published long enough ago for everybody to have them."""
    with context.use(world.tenant):
        rotation.rotate_due(timezone.now(), by=SYSTEM)
        published = timezone.now() - rotation.KNOWN_AFTER
        SigningKey.objects.filter(status="next").update(created_at=published)


def key(world, status="active", algorithm="ES256"):
    with context.use(world.tenant):
        return SigningKey.objects.get(status=status, algorithm=algorithm)


def post(world, token, path, body):
    headers = {"Authorization": f"Bearer {token}"}
    return world.http.post(world.url(f"/api/v1/keys{path}"), json=body, headers=headers)


def fresh(world, path):
    """Return ada's browser before a page that asks her to prove again that it is her."""
    browser = world.browser("ada")
    browser.go(world.url(path))
    if "/login/again" in str(browser.page.url):
        browser.submit(browser.form("/login/again"), {"password": PASSWORD})
    return browser


@spec("RFC 7517", "5")
def test_keys_are_listed_with_their_public_parts_and_no_private_ones(world, token, ready):
    found = call(world, token, "/keys").json()["keys"]
    assert {(each["algorithm"], each["status"]) for each in found} == {
        (algorithm, status) for algorithm in ("ES256", "RS256") for status in ("active", "next")
    }
    assert all("sealed_private" not in each and "d" not in each["public"] for each in found)
    narrowed = call(world, token, "/keys?algorithm=ES256&status=active").json()["keys"]
    assert [each["kid"] for each in narrowed] == [key(world).kid]
    assert call(world, token, f"/keys/{key(world).pk}").json() == narrowed[0]


@spec("RFC 7517", "5")
def test_nobody_rotates_before_everybody_may_know_the_next_key(world, token):
    with context.use(world.tenant):
        rotation.rotate_due(timezone.now(), by=SYSTEM)
    with leaves_only(world):
        refusal = post(world, token, "/rotate", {"algorithm": "ES256"})
    assert refusal.status_code == 409
    assert refusal.json()["ready_at"] == (key(world, "next").created_at + rotation.KNOWN_AFTER).isoformat()
    page = world.browser("ada").go(world.url(KEYS))
    assert "Rotate now" not in page.text
    assert "may sign today at" in page.text or "may sign tomorrow" in page.text


@spec("RFC 7517", "5")
def test_a_dry_run_changes_nothing_and_says_what_would_end(world, token, ready):
    world.own_token(world.worker())
    with leaves_only(world):
        foreseen = post(world, token, f"/{key(world).pk}/compromise", {"reason": "x", "dry_run": True}).json()
    ended = post(world, token, f"/{key(world).pk}/compromise", {"reason": "x"}).json()
    assert (foreseen["dry_run"], ended["dry_run"]) == (True, False)
    same = ("key", "kid", "replaced_by", "access_tokens_ended", "tokens", "time_to_zero")
    assert [foreseen[name] for name in same] == [ended[name] for name in same]
    # The token that asked was signed by it too.
    assert ended["access_tokens_ended"] == 2
    assert call(world, token, "/keys").status_code == 401


@pytest.mark.parametrize(
    ("path", "body", "status"),
    [
        ("/rotate", {}, 400),
        ("/rotate", {"algorithm": "HS256"}, 400),
        ("/{key}/compromise", {}, 400),
        ("/{key}/compromise", {"reason": ""}, 400),
        ("/{key}/compromise", {"reason": "x", "dry_run": "perhaps"}, 400),
        ("/key_00000000000000000000000000/compromise", {"reason": "x"}, 404),
    ],
)
def test_what_cannot_be_read_or_is_not_there_changes_nothing(world, token, path, body, status):
    with leaves_only(world):
        assert post(world, token, path.format(key=key(world).pk), body).status_code == status


@spec("RFC 9700", "2.3")
def test_a_role_counts_when_it_is_used_and_no_agent_comes_in(world, token, ready):
    own = world.own_api_token(world.worker(), SCOPES)
    agent = world.browser("bob")
    for role, reads, writes in ROLES:
        world.rewrite(world.people["ada"], role=role)
        assert call(world, token, "/keys").status_code == call(world, token, "/keys/fetches").status_code == reads
        assert post(world, token, "/rotate", {}).status_code == writes
        world.rewrite(world.people["bob"], role=role)
        page = agent.go(world.url(KEYS))
        assert page.status_code == reads
        assert ("It leaked" in page.text) == (writes == 400)
        assert (agent.go(world.url(f"{KEYS}/{key(world).pk}/leaked")).status_code == 200) == (writes == 400)
    assert call(world, own, "/keys").status_code == 403
    with leaves_only(world):
        assert post(world, own, f"/{key(world).pk}/compromise", {"reason": "x"}).status_code == 403


@spec("RFC 9700", "2.3")
def test_a_key_is_ended_on_the_page_only_with_its_name_typed_and_a_reason(world, ready):
    browser = fresh(world, f"{KEYS}/{key(world).pk}/leaked")
    form = browser.form("/leaked")
    for said in ({"typed": "yes", "reason": "x"}, {"typed": world.tenant.slug, "reason": " "}, {}):
        with leaves_only(world):
            assert browser.submit(form, said).status_code == 422
    old = key(world)
    done = browser.submit(form, {"typed": world.tenant.slug, "reason": "on a laptop"})
    assert (done.status_code, "This key was ended" in done.text, "on a laptop" in done.text) == (200, True, True)
    assert key(world, "compromised").kid == old.kid
    with leaves_only(world):
        assert browser.submit(form, {"typed": world.tenant.slug, "reason": "again"}).status_code == 409


@spec("RFC 9700", "2.3")
def test_whoever_did_not_just_prove_that_it_is_them_ends_no_key(world, ready):
    browser = world.browser("ada")
    session = browser.http.cookies[f"remit-{world.tenant.slug}"]
    _age(session)
    browser.go(world.url(f"{KEYS}/{key(world).pk}/leaked"))
    assert "/login/again" in str(browser.page.url)
    browser.go(world.url(KEYS))
    csrf = next(value for form in browser.forms() for name, value in form.fields if name == "csrfmiddlewaretoken")
    said = [("csrfmiddlewaretoken", csrf), ("typed", world.tenant.slug), ("reason", "x")]
    with leaves_only(world):
        browser.submit(Form(f"/t/{world.tenant.slug}{KEYS}/{key(world).pk}/leaked", "post", said))
    assert "/login/again" in str(browser.page.url)


# --- who fetched it


def _fetch(world, program):
    assert world.http.get(world.url("/jwks.json"), headers={"User-Agent": program}).status_code == 200


def _fetches(world):
    with context.use(world.tenant):
        return {each.program: each for each in KeyFetch.objects.all()}


@spec("RFC 7517", "5")
def test_whoever_fetches_the_set_is_noted_as_a_program_in_a_network_and_nothing_more(world, token):
    _fetch(world, "gateway/2.1 (secret-host.internal) python/3")
    _fetch(world, "<b>")
    found = _fetches(world)
    assert {name: each.network for name, each in found.items()} == {
        "gateway/2.1": "127.0.0.0/24", "unnamed": "127.0.0.0/24",
    }  # fmt: skip
    listed = call(world, token, "/keys/fetches").json()["fetches"]
    assert {each["program"] for each in listed} == set(found)
    _fetch(world, "gateway/2.1")
    assert _fetches(world)["gateway/2.1"].last_at == found["gateway/2.1"].last_at


@spec("RFC 7517", "5")
def test_the_page_says_who_has_not_fetched_the_next_key(world):
    _fetch(world, "gateway/2.1")
    _fetch(world, "archive/1")
    with context.use(world.tenant):
        rotation.rotate_due(timezone.now(), by=SYSTEM)
        KeyFetch.objects.filter(program="gateway/2.1").update(last_at=timezone.now() + timedelta(seconds=1))
    browser = world.browser("ada")
    browser.go(world.url(KEYS))
    assert "1 program has not fetched a next key yet: archive/1 in 127.0.0.0/24 (last" in browser.words()
    assert "1 of 2 programs" in browser.words()


@spec("RFC 7517", "8.5")
def test_a_fetch_is_written_down_once_a_minute_and_a_made_up_name_does_not_crowd_out_others(world, monkeypatch):
    with inside.counted() as first:
        inside.get(world, "/jwks.json", user_agent="a/1")
    with inside.counted() as second:
        inside.get(world, "/jwks.json", user_agent="a/1")
    assert any("tokens_keyfetch" in each for each in first)
    assert not any("tokens_keyfetch" in each for each in second)
    monkeypatch.setattr(fetchers, "MOST", 3)
    with context.use(world.tenant):
        for number in range(9):
            fetchers.note("192.0.2.9", f"made-up-{number}", now=timezone.now())
        assert KeyFetch.objects.count() == 3
        monkeypatch.setattr(fetchers, "NOTES", 0)
        fetchers.forget_all()
        fetchers.note("192.0.2.9", "a/2", now=timezone.now())
        assert KeyFetch.objects.count() == 3


@pytest.mark.parametrize(
    ("address", "network"),
    [("192.0.2.77", "192.0.2.0/24"), ("2001:db8:1:2::3", "2001:db8:1::/48"), ("::ffff:192.0.2.7", "192.0.2.0/24"),
     ("", "unknown"), ("unix:", "unknown")],
)  # fmt: skip
def test_of_an_address_only_the_network_is_kept(address, network):
    assert addresses.network(address) == network


def _age(session):
    """Make a sign-in an hour old."""
    from django.contrib.sessions.backends.db import SessionStore  # Needs loaded apps.

    store = SessionStore(session)
    for each in store.get("account_authentication_methods", []):
        each["at"] -= 3600
    store.save()


def test_what_comes_next_is_the_same_on_the_page_and_over_the_api(world, token, ready):
    said = call(world, token, "/keys/timeline").json()["timeline"]
    assert [each["algorithm"] for each in said] == ["ES256"] * 3 + ["RS256"] * 3
    assert [each["kid"] for each in said[:3]] == [key(world).kid, key(world, "next").kid, ""]
    page = world.browser("ada").go(world.url(KEYS)).text.partition("What comes next")[2]
    for each in said:
        for name in ("published_at", "signs_at", "retires_at", "gone_at"):
            assert f'datetime="{each[name][:16]}' in page, each


@spec("RFC 7517", "5")
def test_how_many_of_the_tokens_that_are_good_now_a_key_signed_is_counted_on_the_page_as_over_the_api(world, token):
    scout = world.public_client()
    world.grant(scout)
    with context.use(world.tenant):
        known = signed.shares(timezone.now())
        total = sum(share.tokens for share in known.values())
        assert total == AccessToken.objects.count() >= 2
        few = signed.shares(timezone.now(), most=1)
    (one,) = few.values()
    assert (one.tokens, one.of, one.is_all, one.percent) == (1, 1, False, 100)
    listed = {each["kid"]: each["good_tokens"] for each in call(world, token, "/keys").json()["keys"]}
    assert {kid: listed[kid] for kid in known} == {kid: share.tokens for kid, share in known.items()}
    assert sum(listed.values()) == total
    page = world.browser("ada").go(world.url(KEYS)).text
    for share in known.values():
        assert f'value="{share.percent}"' in page
    with context.use(world.tenant):
        AccessToken.objects.update(revoked_at=timezone.now())
        assert signed.shares(timezone.now()) == {}
