"""What must hold after every fault, judged from the answers that clients got and from what stands in the database.

The judgement is pure: `violations` sees a History and Facts, and `read` collects the Facts. So each invariant can be
shown to fail on a record that breaks it.
"""

from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

from django.conf import settings
from jwcrypto.common import JWException
from jwcrypto.jwk import JWK
from jwcrypto.jws import JWS

from audit import ledger
from audit.models import Entry
from notices.models import Job, JobItem
from tenants.models import Tenant
from tests.faults.history import History, Kind
from tokens.keys import ALGORITHMS
from tokens.models import SigningKey

_OURS = settings.OPERATOR_ALIAS


@dataclass(frozen=True, slots=True)
class Work:
    """A job as it stands: the number that the page shows, and how many of its items are in which state."""

    id: str
    is_over: bool
    done: int
    items_done: int
    items_waiting: int


@dataclass(frozen=True, slots=True)
class Facts:
    """What the database says after a fault."""

    signing: Mapping[tuple[str, str], int]
    """How many keys sign, by tenant and algorithm."""
    keys: Mapping[str, Mapping[str, str]]
    """Public keys that are or were published, by kid."""
    recorded: frozenset[str]
    """The requests that left an entry in the ledger."""
    broken: Sequence[str] = ()
    """Tenants whose chain does not hold, and where."""
    unsealed: int = 0
    jobs: Sequence[Work] = field(default=())


def violations(history: History, facts: Facts) -> list[str]:
    """Return every breach, each with the invariant that it breaks."""
    return [f"{name}: {what}" for name, judge in INVARIANTS.items() for what in judge(history, facts)]


def read(tenants: Sequence[Tenant]) -> Facts:
    """Collect the facts about some tenants, across row-level security."""
    ids = [tenant.pk for tenant in tenants]
    signing = {(tenant, algorithm): 0 for tenant in ids for algorithm in ALGORITHMS}
    keys = {}
    for key in SigningKey.unscoped.using(_OURS).filter(tenant_id__in=ids):
        keys[key.kid] = key.public
        if key.status == SigningKey.Status.ACTIVE:
            signing[key.tenant_id, key.algorithm] += 1
    found = {tenant: ledger.verify(tenant, using=_OURS) for tenant in ids}
    return Facts(
        signing=signing,
        keys=keys,
        recorded=frozenset(
            Entry.unscoped.using(_OURS).filter(tenant_id__in=ids).values_list("request_id", flat=True)
        ),
        broken=[f"{tenant} at {each.broken_at}: {each.why}" for tenant, each in found.items() if each.broken_at],
        unsealed=sum(each.unsealed for each in found.values()),
        jobs=[_work(job) for job in Job.unscoped.using(_OURS).filter(tenant_id__in=ids)],
    )  # fmt: skip


def _work(job: Job) -> Work:
    items = JobItem.unscoped.using(_OURS).filter(job=job)
    done, waiting = (items.filter(state=state).count() for state in (JobItem.State.DONE, JobItem.State.WAITING))
    return Work(job.pk, job.is_over, job.done, done, waiting)


# --- what must hold


def _no_code_twice(history: History, facts: Facts) -> list[str]:
    won: dict[str, int] = defaultdict(int)
    for each in history.of(Kind.REDEEM):
        won[each.about] += bool(each.token)
    return [f"code …{code[-6:]} was redeemed {number} times" for code, number in won.items() if number > 1]


def _no_refresh_token_twice(history: History, facts: Facts) -> list[str]:
    lines: dict[str, set[str]] = defaultdict(set)
    for each in history.of(Kind.REFRESH):
        if each.successor:
            lines[each.about].add(each.successor)
    return [f"…{token[-6:]} has {len(found)} successors" for token, found in lines.items() if len(found) > 1]


def _nothing_lives_after_its_end(history: History, facts: Facts) -> list[str]:
    ended: dict[str, float] = {}
    for each in history.of(Kind.END):
        if 200 <= each.status < 300:
            ended.setdefault(each.about, each.got)
    alive = [each for each in history.answers if each.kind is not Kind.END and (each.is_active or each.token)]
    return [
        f"{each.kind} about {each.about} said yes {each.sent - ended[each.about]:.3f} s after its end was answered"
        for each in alive
        if each.sent > ended.get(each.about, float("inf"))
    ]


def _one_key_signs(history: History, facts: Facts) -> list[str]:
    wrong = [(*each, number) for each, number in facts.signing.items() if number != 1]
    return [f"{number} keys of {tenant} sign {algorithm}" for tenant, algorithm, number in wrong]


def _every_token_verifies(history: History, facts: Facts) -> list[str]:
    handed_out = [each for each in history.answers if each.token]
    return [f"the token of request {each.request_id}" for each in handed_out if not _verifies(each.token, facts)]


def _nothing_is_missing_in_the_ledger(history: History, facts: Facts) -> list[str]:
    wrote = [each for each in history.answers if each.token or (each.kind is Kind.END and 200 <= each.status < 300)]
    return [f"{each.kind} {each.request_id} left no entry" for each in wrote if each.request_id not in facts.recorded]


def _the_chain_holds(history: History, facts: Facts) -> list[str]:
    return list(facts.broken)


def _work_is_over_or_goes_on(history: History, facts: Facts) -> list[str]:
    miscounted = [job for job in facts.jobs if job.done != job.items_done]
    left = [job for job in facts.jobs if job.is_over and job.items_waiting]
    return [
        *(f"{job.id} shows {job.done} done, and {job.items_done} are" for job in miscounted),
        *(f"{job.id} is over and {job.items_waiting} wait" for job in left),
    ]


def _no_error_that_could_wait(history: History, facts: Facts) -> list[str]:
    failed = [each for each in history.answers if each.status >= 500]
    return [
        f"{each.kind} {each.request_id} got {each.status} {each.says}"
        for each in failed
        if each.status != 503 or not each.retry_after
    ]


def _verifies(token: str, facts: Facts) -> bool:
    try:
        jws = JWS()
        jws.deserialize(token)
        jws.verify(JWK(**facts.keys[jws.jose_header["kid"]]))
    except (JWException, KeyError, ValueError):
        return False
    return True


INVARIANTS: Mapping[str, Callable[[History, Facts], list[str]]] = {
    "no code is redeemed twice": _no_code_twice,
    "no refresh token has two successors": _no_refresh_token_twice,
    "nothing is active after its end was answered": _nothing_lives_after_its_end,
    "one key signs for each tenant and algorithm": _one_key_signs,
    "every token verifies against a published key": _every_token_verifies,
    "what was answered stands in the ledger": _nothing_is_missing_in_the_ledger,
    "the ledger's chain holds": _the_chain_holds,
    "work is over, or goes on where it was": _work_is_over_or_goes_on,
    "no 500, and every 503 says when to ask again": _no_error_that_could_wait,
}
"""Each with the judge that finds its breaches."""
