"""The language of search boxes: whatever is written is read, or refused with a reason; nothing is passed over."""

import pytest
from django.core.exceptions import ValidationError
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from agents.approval_filters import ApprovalFilter
from agents.filters import AgentFilter
from agents.people_filters import MemberFilter
from delegations.event_filters import EventFilter
from delegations.filters import DelegationFilter
from kit import context, search
from tenants.filters import ResourceFilter
from tests.spec import spec
from trust.filters import AudienceFilter, IssuerFilter

LISTS = (
    AgentFilter, ApprovalFilter, DelegationFilter, EventFilter, MemberFilter, ResourceFilter, IssuerFilter,
    AudienceFilter,
)  # fmt: skip


@spec("RFC 9110", "15.5.1")
@pytest.mark.parametrize(
    ("text", "plain", "terms"),
    [
        ("invoice reconciler", ("invoice", "reconciler"), ()),
        ('"invoice reconciler"', ("invoice reconciler",), ()),
        ('agent:reconciler person:"Alice Meyer"', (), (("agent", "reconciler"), ("person", "Alice Meyer"))),
        ("until:<7d unused:>30d x", ("x",), (("until", "<7d"), ("unused", ">30d"))),
        ("AGENT:Big", (), (("agent", "Big"),)),
        ("https://a.example/x 10:30 :x", ("https://a.example/x", "10:30", ":x"), ()),
        ("resource:https://a.example/", (), (("resource", "https://a.example/"),)),
        ('"colour:red"', ("colour:red",), ()),
        ("   ", (), ()),
    ],
)
def test_a_question_is_read_as_words_and_terms(text, plain, terms):
    assert search.parse(text) == search.Parsed(plain, terms)


@spec("RFC 9110", "15.5.1")
@pytest.mark.parametrize("text", ['"open', 'person:"Alice', 'a"b', '"a"b', "agent:", 'agent:""', "a " * 13, "x" * 301])
def test_what_cannot_be_read_is_an_error_and_no_guess(text):
    with pytest.raises(search.Unclear):
        search.parse(text)


_NAMES = st.sampled_from(["agent", "person", "status", "until", "unused", "scope", "colour", "q", "__class__", "since"])
_VALUES = st.one_of(
    st.text(max_size=20), st.sampled_from(["<7d", ">30d", "<", '"a b"', "payments.*", "active", ">9999w", "\x00"])
)
_PARTS = st.one_of(st.text(max_size=20), st.builds("{}:{}".format, _NAMES, _VALUES))


@spec("RFC 9110", "15.5.1")
@given(text=st.lists(_PARTS, max_size=15).map(" ".join))
@example(text="until:<9999w unused:>9999w since:>9999w")
@settings(deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])  # It only reads.
@example(text="%_\\'--")
def test_whatever_is_written_parses_or_gives_an_error_and_is_one_bounded_statement(world, text):
    for by in LISTS:
        with context.use(world.tenant):
            rows = by._meta.model.objects.all()
            found = by({"q": text}, rows)
            if not found.is_valid():
                assert all(str(error).strip() for error in found.errors["q"])
                assert set(found.errors) == {"q"}
                continue
            # Every word and term is a condition of one statement, which the database reads.
            statement, _values = found.qs.order_by("pk")[:1].query.sql_with_params()
            assert len(statement) < 40_000
            list(found.qs.order_by("pk")[:1])


@spec("RFC 9110", "15.5.1")
@pytest.mark.parametrize("by", LISTS)
def test_a_name_that_a_list_does_not_know_is_said_with_those_that_it_knows(by):
    field = by({}, by._meta.model.unscoped.none()).form.fields["q"]
    with pytest.raises(ValidationError) as refused:
        field.clean("colour:red")
    (words,) = refused.value.messages
    assert "“colour:”" in words
    for name in by.base_filters["q"].words:
        assert f"{name}:" in words
        assert f"{name}:" in str(field.help_text)
