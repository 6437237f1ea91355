"""The verbs of deferral (DTR): let a request wait, ask again, take it back. Only the mint uses a deferral up.

The request is frozen as it came, without its client's own proof, and sealed: codes and tokens stand in it. Who decides
is not told of it: whether it may be answered is asked of the question that it waits for, and of all that a token hangs
on, each time.
"""

import json
from datetime import datetime, timedelta
from typing import Any

from django.conf import settings
from django.db import transaction
from django.db.models import F, Q

from agents import admission, questions
from agents.assertions import Evidence
from agents.models import Approval, Client
from audit.events import Event
from audit.ledger import record
from audit.principals import Kind, Principal
from kit import opaque, sealing
from kit.oauth import (
    AccessDenied,
    AuthorizationPending,
    Deferred,
    InteractionRequired,
    InvalidGrant,
    OAuthError,
    SlowDown,
)
from tenants import clock
from tenants.models import Tenant
from tokens import callbacks, forgetting, looking
from tokens.errors import Stale
from tokens.models import Deferral
from tokens.needs import Question
from tokens.values import TokenRequest

LIFE = timedelta(days=7)
INTERVAL = 10
STEP = 5
SLACK = timedelta(seconds=1)
MOST = 50
"""How many requests of one client may wait at the same time."""
_KEPT = (
    "grant_type", "scope", "resource", "audience", "requested_token_type", "subject_token", "subject_token_type",
    "actor_token", "actor_token_type", "code", "redirect_uri", "code_verifier", "refresh_token", "assertion",
    "device_code",
)  # fmt: skip
_OPEN = (Deferral.Status.WAITING, Deferral.Status.ALLOWED)


@transaction.atomic
def wait(tenant: Tenant, client: Client, request: TokenRequest, question: Question) -> Deferred | None:
    """Keep a request until somebody decides, and return what its client is told; None where too many wait already.

    Raises Stale where nobody has to decide any more.
    """
    now = request.now
    admission.hold_agent(question.agent_id)  # One after the other, so that a hundred at once are no more than may wait.
    waiting = Deferral.objects.filter(client=client, status__in=_OPEN, used_at=None, expires__gt=now)
    if waiting.count() >= MOST:
        return None
    code = opaque.make()
    callback = callbacks.wanted(request, client, code)
    made = Deferral.objects.create(
        code=opaque.digest(code),
        client=client,
        agent_id=question.agent_id,
        request=_frozen(request, question),
        asked=question.asked,
        approval=_put(question, client) if question.is_for_approvers else None,
        member_id=None if question.is_for_approvers else question.member_id,
        poll_seconds=INTERVAL,
        callback=callback,
        call_at=now if callback else None,
        created=now,
        expires=now + LIFE,
    )
    detail = {"deferral": made.pk, "grant": request.one("grant_type"), "agent": made.agent_id}
    record(Event.TOKEN_DEFERRED, by=_principal(client), about=client, detail=detail, on_behalf_of=question.member_id)
    told: dict[str, str | int] = {"deferral_code": code, "expires_in": int(LIFE.total_seconds()), "interval": INTERVAL}
    if made.member_id is not None:
        return InteractionRequired(f"{made.pk} waits", {**told, "interaction_uri": looking.address(made, tenant)})
    return Deferred(f"{made.pk} waits", told)


def found(code: str, client: Client) -> Deferral:
    """Return a client's own deferral by its code, while it may be asked for; raises InvalidGrant."""
    deferral = Deferral.objects.select_related("approval").filter(code=opaque.digest(code)).first()
    if deferral is None:
        raise InvalidGrant("unknown deferral code")
    if deferral.client_id != client.pk:
        raise InvalidGrant(f"{deferral.pk}: deferral code of another client")
    if deferral.used_at is not None or deferral.status == Deferral.Status.CANCELLED:
        raise InvalidGrant(f"{deferral.pk} was used or taken back")
    return deferral


def opened(deferral: Deferral, *, now: datetime, evidence: Evidence) -> TokenRequest:
    """Return the request as it came, to be judged as if it were asked now."""
    try:
        kept = json.loads(sealing.unseal(deferral.request, settings.SEALING_KEYS))
    except sealing.CannotOpen as error:
        raise InvalidGrant(f"{deferral.pk}: {error}") from error
    form = {name: tuple(values) for name, values in kept.items()}
    return TokenRequest(form, now, evidence, deferral=deferral.pk, waits_since=deferral.created)


def not_yet(deferral: Deferral, *, now: datetime, tenant: Tenant | None = None) -> OAuthError:
    """Say that nobody decided yet, or that the client asks too often; when it asked stands in its row.

    With a tenant it is a person that it waits for: until they opened the address, the client is told it again.
    """
    mine = Deferral.objects.filter(pk=deferral.pk, poll_seconds=deferral.poll_seconds)
    earlier = now - timedelta(seconds=deferral.poll_seconds) + SLACK
    in_time = mine.filter(Q(polled_at=None) | Q(polled_at__lte=earlier))
    if not in_time.update(polled_at=now, **callbacks.again(deferral, now=now)):
        Deferral.objects.filter(pk=deferral.pk).update(polled_at=now, poll_seconds=F("poll_seconds") + STEP)
        return SlowDown(f"{deferral.pk} was asked for too often")
    if tenant is None or looking.is_open(deferral, now=now):
        return AuthorizationPending(f"{deferral.pk} waits")
    return InteractionRequired(f"{deferral.pk} waits", {"interaction_uri": looking.address(deferral, tenant)})


@transaction.atomic
def ask_anew(tenant: Tenant, waited: TokenRequest, client: Client, question: Question) -> OAuthError:
    """Put the question that stands in a request's way now, unless it was decided; return what the client is told."""
    deferral = Deferral.objects.select_related("approval").get(pk=waited.deferral)
    mine, approval = Deferral.objects.filter(pk=deferral.pk), deferral.approval
    is_answered = approval is not None and approval.answers(question.asked, is_own=question.is_own)
    if question.is_new or (question.is_for_approvers and not is_answered):
        mine.update(approval=_put(question, client))
        return not_yet(deferral, now=waited.now)
    if not question.within or deferral.status == Deferral.Status.ALLOWED:
        return AccessDenied(f"{deferral.pk}: less was allowed than it needs")
    mine.update(member_id=question.member_id, asked=question.within)
    return not_yet(deferral, now=waited.now, tenant=tenant)


@transaction.atomic
def cancel(code: str, caller: Client, *, by: Principal) -> bool:
    """Take a request back (RFC 7009); say whether there was one. A question that nobody else waits for is closed."""
    mine = Deferral.objects.filter(code=opaque.digest(code), client=caller, used_at=None, status__in=_OPEN)
    deferral = mine.select_related("approval__agent").first()
    if deferral is None or not mine.update(status=Deferral.Status.CANCELLED):
        return False
    record(Event.DEFERRAL_CANCELLED, by=by, about=caller, detail={"deferral": deferral.pk})
    others = Deferral.objects.filter(approval=deferral.approval_id, status__in=_OPEN, used_at=None)
    if deferral.approval is not None and not others.exists():
        questions.withdraw(deferral.approval, by=by)
    return True


def forget(now: datetime) -> int:
    """Remove requests that nobody can be answered any more."""
    return clock.forget(forgetting.deferrals(now))


def _put(question: Question, client: Client) -> Approval:
    own = question.asked if question.is_own else {}
    put = questions.ask_for(question.agent_id, client if client.agent_id else None, question.asked, own)
    if put is None:
        raise Stale(f"{question.agent_id}: nobody has to decide any more")
    return put


def _frozen(request: TokenRequest, question: Question) -> str:
    form: dict[str, Any] = {name: list(request.form[name]) for name in _KEPT if name in request.form}
    # What is usual at a resource may become more while it waits; the request does not.
    if question.asked:
        ((resource, scopes),) = question.asked.items()
        form |= {"scope": [" ".join(sorted(scopes))], "resource": [resource]}
    return sealing.seal(json.dumps(form).encode(), settings.SEALING_KEYS)


def _principal(client: Client) -> Principal:
    return Principal(Kind.CLIENT, client.client_id, client.name)
