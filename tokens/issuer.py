"""Room 5 and 6: the only place where a token is born, and where that is written down."""

from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from django.db import transaction

from audit import ledger
from audit.events import Event
from audit.principals import Kind, Principal
from delegations import parts
from delegations.errors import DelegationError
from kit import identifiers, opaque, statements
from kit.oauth import OFFLINE_ACCESS, OPENID, GrantType, InvalidGrant
from tokens import families, mint, rows
from tokens.errors import Stale
from tokens.formats import access_token, id_token
from tokens.models import RefreshToken
from tokens.values import Authorization, CodeUse, Derivation, Grace, Rotation, TokenSet


@dataclass(frozen=True, slots=True)
class _Hangs:
    """What a token hangs on besides its delegation, and the refresh token to hand out with it, or ""."""

    family_id: str | None = None
    parent_id: str | None = None
    refresh_token: str = ""


def issue(authorization: Authorization) -> TokenSet:
    """Consume what was offered, record the token and return it; raises InvalidGrant or Stale, and then wrote nothing.

    Everything is written in one short transaction; signing comes after it, so that no lock waits for arithmetic.
    """
    token_id, secret = identifiers.make("tok"), access_token.new_secret(authorization.audience)
    with _together(authorization):
        authorization = _hand_on(authorization)
        hangs = _consume(authorization)
        recorded = mint.insert(
            authorization,
            _entry(authorization, token_id),
            token_id=token_id,
            family_id=hangs.family_id,
            parent_id=hangs.parent_id,
            digest=opaque.digest(secret) if secret else "",
        )
        if not recorded:
            raise Stale(authorization.delegation.pk)
    access = access_token.encode(authorization, token_id, secret)
    return TokenSet(
        access_token=access,
        expires_in=authorization.seconds,
        scope=authorization.scope,
        refresh_token=hangs.refresh_token,
        id_token=_id_token(authorization, access),
        issued_token_type=authorization.proof.issued_type,
    )


def _together(authorization: Authorization) -> AbstractContextManager[object]:
    """Open a transaction where more than the mint's one statement is written."""
    match authorization.proof.consumes:
        case None | Grace() | Derivation(part=None) if statements.is_postgresql():
            return nullcontext()
    return transaction.atomic()


def _hand_on(authorization: Authorization) -> Authorization:
    """Write the part that an exchange needs, where it needs one: in the token's transaction, or not at all."""
    consumes = authorization.proof.consumes
    if not isinstance(consumes, Derivation) or consumes.part is None:
        return authorization
    try:
        delegation = parts.hand_on(consumes.part, by=_principal(authorization))
    except DelegationError as error:
        raise InvalidGrant(f"{type(error).__name__}: {error}") from error
    return replace(authorization, delegation=delegation)


def _consume(authorization: Authorization) -> _Hangs:
    match authorization.proof.consumes:
        case CodeUse() as use:
            return _open_family(authorization, use)
        case Rotation() as rotation:
            return _Hangs(rotation.family_id, refresh_token=_rotate(authorization, rotation))
        case Grace() as grace:
            again = families.written(grace.family_id, grace.generation, grace.secret)
            return _Hangs(grace.family_id, refresh_token=again)
        case Derivation() as derived:
            return _Hangs(derived.family_id, derived.parent_id)
        case None:
            return _Hangs()


def _open_family(authorization: Authorization, use: CodeUse) -> _Hangs:
    proof = authorization.proof
    secret = opaque.make() if _wants_refresh(authorization) else ""
    family_id = rows.open_family(
        client=authorization.client,
        subject=authorization.subject,
        scope=" ".join(sorted(proof.scopes)),
        delegations=[delegation.pk for delegation in proof.delegations],
        digest=opaque.digest(secret) if secret else "",
        now=authorization.now,
        expires=_latest_end(authorization),
        auth_time=proof.sign_in.auth_time if proof.sign_in else None,
    )
    if not rows.use_code(use.code_id, family_id, now=authorization.now):
        raise InvalidGrant(f"{use.code_id}: another redemption was first")
    return _Hangs(family_id, refresh_token=families.written(family_id, 0, secret) if secret else "")


def _rotate(authorization: Authorization, rotation: Rotation) -> str:
    moved = rows.rotate_family(
        rotation.family_id, rotation.generation, digest=opaque.digest(rotation.next_secret), now=authorization.now
    )
    generation = rotation.generation + 1
    if not moved and not _just_rotated(rotation.family_id, generation, authorization.now):
        raise InvalidGrant(f"{rotation.family_id} moved on")
    # A lost race gives the same successor: it follows from the token that both requests hold.
    return families.written(rotation.family_id, generation, rotation.next_secret)


def _just_rotated(family_id: str, generation: int, now: datetime) -> bool:
    since = now - families.GRACE
    return RefreshToken.objects.filter(
        pk=family_id, generation=generation, revoked=None, rotated_at__gte=since
    ).exists()


def _wants_refresh(authorization: Authorization) -> bool:
    """Agents whose delegation outlives the token get a refresh token, and whoever asked for offline access."""
    if not authorization.client.allows_grant_type(GrantType.REFRESH_TOKEN):
        return False
    if OFFLINE_ACCESS in authorization.proof.scopes:
        return True
    end = authorization.delegation.expires_at
    return authorization.actor is not None and (end is None or end > authorization.expires_at + timedelta(seconds=1))


def _latest_end(authorization: Authorization) -> datetime | None:
    ends = [delegation.expires_at for delegation in authorization.proof.delegations]
    return None if None in ends else max(end for end in ends if end is not None)


def _id_token(authorization: Authorization, access: str) -> str:
    sign_in = authorization.proof.sign_in
    if sign_in is None or OPENID not in authorization.proof.scopes:
        return ""
    return id_token.encode(authorization, sign_in, access_token=access)


def _principal(authorization: Authorization) -> Principal:
    agent, client = authorization.client.agent, authorization.client
    return (
        Principal(Kind.AGENT, agent.pk, agent.name) if agent else Principal(Kind.CLIENT, client.client_id, client.name)
    )


def _entry(authorization: Authorization, token_id: str) -> ledger.Fields:
    agent, client = authorization.client.agent, authorization.client
    hides = isinstance(authorization.proof.consumes, Derivation) and not authorization.actor
    return ledger.fields(
        Event.TOKEN_IMPERSONATED if hides and agent and agent.pk != authorization.subject else Event.TOKEN_ISSUED,
        by=_principal(authorization),
        about=ledger.About("accesstoken", token_id, f"access token for {authorization.audience}"),
        on_behalf_of=authorization.subject,
        through=agent.pk if agent else "",
        detail={
            "grant": authorization.grant_type,
            "audience": authorization.audience,
            "scope": authorization.scope,
            "delegation": authorization.delegation.pk,
            "client": client.client_id,
        },
    )
