"""Properties of the pure tools."""

import contextlib
import json
import re
import threading
from dataclasses import dataclass
from unittest import mock

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from kit import context, forms, identifiers, opaque, sealing, strict_json, uris
from kit.caching import TtlCache
from kit.oauth import InvalidRequest
from tests.spec import spec

pytestmark = pytest.mark.once

FORM = re.compile(r"[a-z]{3}_[0-7][0-9abcdefghjkmnpqrstvwxyz]{25}")
keys = st.binary(min_size=32, max_size=32)
json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=8,
)

# --- identifiers


@given(st.integers(0, 2**47), st.integers(0, 2**47))
def test_identifiers_sort_by_the_millisecond_in_which_they_were_made(one, other):
    with mock.patch("kit.identifiers.time.time_ns", side_effect=[one * 1_000_000, other * 1_000_000]):
        made = [identifiers.make("agt"), identifiers.make("agt")]
    if one != other:
        assert (made[0] < made[1]) == (one < other)


def test_identifiers_that_are_made_one_after_the_other_sort_in_that_order():
    start = 1_700_000_000_000_000_000
    with mock.patch("kit.identifiers.time.time_ns", side_effect=range(start, start + 2_000_000, 250)):
        made = [identifiers.make("evt") for _ in range(8000)]
    assert made == sorted(made)


def test_identifiers_of_one_moment_are_all_different():
    with mock.patch("kit.identifiers.time.time_ns", return_value=1_700_000_000_000_000_000):
        assert len({identifiers.make("tok") for _ in range(5000)}) == 5000


@spec("RFC 9562", "5.7")
def test_an_identifier_is_a_prefix_and_a_uuid_of_version_seven():
    made = identifiers.make("dlg")
    assert FORM.fullmatch(made)
    assert len(made) == identifiers.LENGTH
    number = 0
    for character in made[4:]:
        number = number * 32 + "0123456789abcdefghjkmnpqrstvwxyz".index(character)
    assert (number >> 76) & 0xF == 7
    assert (number >> 62) & 0b11 == 0b10


# --- secrets


@given(st.text(max_size=300).filter(lambda text: text.isprintable()))
def test_a_secret_matches_its_own_salted_digest_and_no_other(secret):
    stored = opaque.salted_digest(secret)
    assert opaque.matches(secret, stored)
    assert not opaque.matches(f"{secret}x", stored)
    assert secret not in stored or len(secret) < 3


@given(st.text(max_size=80).filter(lambda text: text.isprintable()), st.text(max_size=80))
def test_no_secret_matches_what_was_never_stored(secret, nonsense):
    assert not opaque.matches(secret, None)
    assert not opaque.matches(secret, "")
    assume("$" not in nonsense and nonsense.isascii())
    assert not opaque.matches(secret, nonsense)


def test_the_stand_in_for_an_unknown_client_cannot_be_matched():
    assert not opaque.matches("no such secret", None)
    assert not opaque.matches("", None)


def test_two_digests_of_one_secret_differ_by_their_salt():
    assert opaque.salted_digest("same") != opaque.salted_digest("same")


def test_a_made_secret_has_256_bits():
    made = {opaque.make() for _ in range(100)}
    assert len(made) == 100
    assert {len(secret) for secret in made} == {43}


@given(keys, keys, st.text(min_size=1, max_size=50).filter(str.isprintable))
def test_a_chain_of_secrets_is_walked_by_the_holder_of_its_key_alone(key, other, secret):
    assert opaque.successor(secret, key) == opaque.successor(secret, key)
    assert opaque.successor(secret, key) != secret
    if key != other:
        assert opaque.successor(secret, key) != opaque.successor(secret, other)


# --- sealing


@given(st.binary(min_size=1, max_size=2000), keys)
def test_what_was_sealed_opens_with_its_key(plaintext, key):
    sealed = sealing.seal(plaintext, [key])
    assert sealing.unseal(sealed, [key]) == plaintext


@given(st.binary(min_size=8, max_size=200), keys, keys)
def test_a_new_key_in_front_still_opens_what_the_old_one_sealed(plaintext, old, new):
    assume(old != new)
    sealed = sealing.seal(plaintext, [old])
    assert sealing.unseal(sealed, [new, old]) == plaintext
    with pytest.raises(sealing.CannotOpen):
        sealing.unseal(sealed, [new])
    with pytest.raises(sealing.CannotOpen):
        sealing.unseal(sealed, [])
    with pytest.raises(sealing.CannotOpen):
        sealing.unseal(sealing.seal(plaintext, [new]), [old])


@given(st.binary(min_size=8, max_size=100), keys, st.data())
def test_a_sealed_value_that_was_altered_does_not_open(plaintext, key, data):
    header, wrapped, iv, body, tag = sealing.seal(plaintext, [key]).split(".")
    index = data.draw(st.integers(0, len(body) - 2))
    altered = body[:index] + ("A" if body[index] != "A" else "B") + body[index + 1 :]
    with pytest.raises(sealing.CannotOpen):
        sealing.unseal(".".join((header, wrapped, iv, altered, tag)), [key])


@given(st.text(max_size=200), keys)
def test_nonsense_does_not_open_and_does_not_crash(nonsense, key):
    with pytest.raises(sealing.CannotOpen):
        sealing.unseal(nonsense, [key])


@given(keys)
def test_the_name_of_a_sealing_key_tells_nothing_of_it(key):
    assert key.hex() not in sealing.key_id(key)
    assert sealing.derive(key, "one") != sealing.derive(key, "another")
    assert sealing.derive(key, "one") != key


@pytest.mark.parametrize("text", ["", "short", "A" * 42, "A" * 44, "not base64 at all!", "é" * 43])
def test_a_sealing_key_that_is_not_32_bytes_is_refused(text):
    with pytest.raises(ValueError):
        sealing.parse_key(text)


# --- JSON from strangers


@given(st.dictionaries(st.text(), json_values, max_size=4))
def test_an_object_that_could_be_stored_is_read_as_it_was_written(value):
    raw = json.dumps(value).encode()
    assume(raw.count(b"{") + raw.count(b"[") <= strict_json.MAX_DEPTH and b"u0000" not in raw)
    assert strict_json.parse_object(raw) == value


@given(st.binary(max_size=300))
def test_bytes_that_are_no_object_are_refused_and_never_crash(raw):
    with contextlib.suppress(ValueError):
        assert isinstance(strict_json.parse_object(raw), dict)


@pytest.mark.parametrize(
    "raw",
    [
        b'{"a":1,"a":2}',
        b'{"o":{"a":1,"a":1}}',
        b'{"a":NaN}',
        b'{"a":-Infinity}',
        b'{"a":1e999}',
        b'{"a":"\\u0000"}',
        b'{"\\u0000":1}',
        b'{"a":"\x00"}',
        b'{"a":"\\ud800"}',
        b'{"\\udfff":1}',
        b'{"a":"\xff"}',
        b"\xff\xfe{\x00}\x00",
        b"[]",
        b'"text"',
        b"null",
        b"",
        b'{"a":' + b"[" * 9 + b"]" * 9 + b"}",
        b"[" * 50_000,
        b'{"a":"' + b"x" * 70_000 + b'"}',
        b'{"a":' + b"9" * 5000 + b"}",
        b"\xef\xbb\xbf{}",
    ],
)
def test_an_object_that_is_ambiguous_or_cannot_be_stored_is_refused(raw):
    with pytest.raises(ValueError):
        strict_json.parse_object(raw)


# --- forms


@given(st.binary(max_size=400))
def test_a_form_is_read_or_refused_and_never_crashes(raw):
    try:
        form = forms.parse(raw)
    except InvalidRequest:
        return
    assert all(name and values and all(values) for name, values in form.items())
    assert all(len(values) == 1 for name, values in form.items() if name not in forms.REPEATABLE)


# --- the current tenant


@dataclass
class Somebody:
    id: str


def test_a_thread_starts_outside_of_every_tenant():
    seen = []

    def look():
        seen.append(context.current_id())
        with pytest.raises(context.NoTenant):
            context.require_id()

    with context.use(Somebody("ten_1")):
        thread = threading.Thread(target=look)
        thread.start()
        thread.join()
        assert context.require_id() == "ten_1"
    assert seen == [""]


def test_threads_do_not_see_each_others_tenant():
    met = threading.Barrier(8)
    seen = {}

    def work(name):
        with context.use(Somebody(name)):
            met.wait()
            seen[name] = context.require_id()
            met.wait()

    threads = [threading.Thread(target=work, args=(f"ten_{number}",)) for number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert seen == {name: name for name in seen}
    assert len(seen) == 8


def test_leaving_a_tenant_restores_the_one_before_even_when_the_block_raises():
    with context.use(Somebody("ten_outer")):
        with pytest.raises(LookupError), context.use(Somebody("ten_inner")):
            raise LookupError
        assert context.require_id() == "ten_outer"
        with context.use(None), pytest.raises(context.NoTenant):
            context.require_id()
    assert context.current() is None


# --- the small cache


def test_a_cache_never_keeps_what_is_absent_and_never_grows_past_its_limit():
    cache: TtlCache[tuple[str, int], int] = TtlCache(ttl=60, limit=10)
    assert cache.get(("ten", 0), lambda: None) is None
    assert cache.get(("ten", 0), lambda: 7) == 7
    assert cache.get(("ten", 0), lambda: 8) == 7
    for number in range(100):
        cache.get(("ten", number), lambda: 1)
    assert len(cache._entries) <= 10


def test_a_cached_value_ends_with_its_life():
    cache: TtlCache[str, int] = TtlCache(ttl=5)
    with mock.patch("kit.caching.time.monotonic", side_effect=[0, 4.9, 5.0]):
        assert [cache.get("key", lambda value=value: value) for value in (1, 2, 3)] == [1, 1, 3]


def test_a_remembered_host_forgets_the_port_of_a_persons_own_computer_alone():
    assert uris.remembered_host("http://127.0.0.1:5000/cb") == uris.remembered_host("http://127.0.0.1/cb")
    assert uris.remembered_host("https://a.example:444/") != uris.remembered_host("https://a.example/")
