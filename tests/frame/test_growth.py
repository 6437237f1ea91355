"""What operations cost in a database that was filled before: filled, measured and written down, at a tiny size."""

import pytest
from django.db.models import F, Sum
from django.utils import timezone

from bench import growth, table, tools
from bench.ours import crowd, set_up
from bench.ours import growth as measuring
from bench.ours.world import SLUG
from delegations.models import Ancestry, Delegation
from kit import context
from tenants import directory
from tests import settings
from tokens.models import AccessToken, RefreshToken

SIZE, REQUESTS = 90, 3
WRITES_NOTHING = "introspection4"

pytestmark = [pytest.mark.postgresql, pytest.mark.xdist_group("the bench's crowd")]


@pytest.fixture(scope="module")
def held(tmp_path_factory):
    """Fill the bench's tenant, in the database of this process; return the words that say what is there."""
    if settings.KIND != "postgresql" or tools.elsewhere():
        pytest.skip("the CPU of PostgreSQL is counted where it runs on this machine")
    with pytest.MonkeyPatch.context() as patched:
        patched.setenv("BENCH_FOLDER", str(tmp_path_factory.mktemp("bench")))
        set_up.main()
        yield crowd.gather(SIZE)


@pytest.fixture(scope="module")
def costs(held):
    return growth.summary([measuring.measure(REQUESTS)])


@pytest.fixture
def inside(held):
    """Be in the tenant that was filled."""
    with context.use(directory.tenant_by_slug(SLUG)):
        yield


def test_two_thirds_are_peoples_own_and_each_of_the_others_hangs_on_all_above_it(inside):
    seeded = Delegation.objects.filter(subject__in=Delegation.objects.exclude(member=None).values("subject"))
    parts = seeded.filter(depth__gt=0)
    assert seeded.filter(depth=0).count() >= SIZE * 2 / 3
    assert parts.count() == pytest.approx(SIZE / 3, rel=0.2)
    assert {depth for (depth,) in parts.values_list("depth").distinct()} == {1, 2, 3, 4}
    assert Ancestry.objects.count() == parts.aggregate(steps=Sum("depth"))["steps"]
    assert parts.filter(depth=F("parent__depth") + 1, subject=F("parent__subject")).count() == parts.count()
    assert len({agent for (agent,) in seeded.values_list("agent").distinct()}) > len(crowd.OTHERS)


def test_what_was_handed_on_has_tokens_of_the_tokens_above_and_some_of_all_are_over(inside):
    now = timezone.now()
    assert RefreshToken.objects.count() >= SIZE * 2 / 3
    assert (
        AccessToken.objects.filter(expires__lte=now).count() > AccessToken.objects.filter(expires__gt=now).count() > 0
    )
    below = AccessToken.objects.filter(delegation__depth__gt=0)
    assert below.count() == below.filter(parent__delegation=F("delegation__parent")).count() > 0


def test_every_operation_costs_something_and_only_introspection_writes_nothing(costs):
    assert tuple(costs) == measuring.OPERATIONS
    for name, cost in costs.items():
        assert min(cost.process, cost.database) > 0, name
        assert cost.log > 0 or name == WRITES_NOTHING, name


def test_the_table_has_a_line_for_each_operation_and_lands_between_its_own_marks(costs, held, tmp_path):
    document = tmp_path / "performance.md"
    document.write_text(
        f"{table.BEGIN}\n\nanother\n\n{table.END}\n\n{growth.BEGIN}\n\nold\n\n{growth.END}\n\nThe end.\n"
    )
    growth.keep(document, [growth.grown({SIZE: costs, 10 * SIZE: costs}), held])
    before, after = document.read_text().split(growth.BEGIN)
    assert before == f"{table.BEGIN}\n\nanother\n\n{table.END}\n\n"
    lines = [line for line in after.splitlines() if line.startswith("| ")]
    assert [line.split(" | ")[0] for line in lines[2:]] == [f"| {growth.TITLES[name]}" for name in costs]
    assert {line.count(" | ") for line in lines} == {6}
    assert after.endswith(f"{held}\n\n{growth.END}\n\nThe end.\n")


def test_the_document_has_a_place_for_the_table():
    assert table.rewrite(table.DOCUMENT.read_text(), ["a"], growth.MARKS)
