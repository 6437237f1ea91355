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
from kit.statements import Statement
from tokens import families, mint, rows
from tokens.errors import Stale
from tokens.formats import access_token, id_token
from tokens.values import Authorization, CodeUse, Derivation, Grace, Rotation, TokenSet


@dataclass(frozen=True, slots=True)
class _Hangs:
    """What a token hangs on besides its delegation, what is used up for it, and the refresh token beside it, or ""."""

    family_id: str | None = None
    parent_id: str | None = None
    refresh_token: str = ""
    consumes: tuple[Statement, ...] = ()


def issue(authorization: Authorization) -> TokenSet:
    """Consume what was offered, record the token and return it; raises InvalidGrant or Stale, and then wrote nothing.

    Whoever loses a race finds out what happened when the door asks again: a code that was used, a family that moved.
    Signing comes after the commit, so that no lock waits for arithmetic.
    """
    token_id, secret = identifiers.make("tok"), access_token.new_secret(authorization.audience)
    with _together(authorization):
        authorization = _hand_on(authorization)
        hangs = _hangs(authorization)
        minting = mint.Minting(
            authorization,
            _entry(authorization, token_id),
            token_id,
            hangs.family_id,
            hangs.parent_id,
            opaque.digest(secret) if secret else "",
            hangs.consumes,
        )
        if not mint.insert(minting):
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
    """Open a transaction where the mint's one statement is not all that is written."""
    consumes = authorization.proof.consumes
    hands_on = isinstance(consumes, Derivation) and consumes.part is not None
    return transaction.atomic() if hands_on or not statements.is_postgresql() else nullcontext()


def _hand_on(authorization: Authorization) -> Authorization:
    """Write the part that an exchange needs, where it needs one: in the token's transaction, or not at all."""
    consumes = authorization.proof.consumes
    if not isinstance(consumes, Derivation) or consumes.part is None:
        return authorization
    try:
        delegation = parts.hand_on(consumes.part, by=_principal(authorization))
    except DelegationError as error:
        raise InvalidGrant(f"{type(error).__name__}: {error}") from error
    # A part that is there already may end sooner than the one that was planned.
    ends = [authorization.expires_at, *filter(None, [delegation.expires_at])]
    return replace(authorization, delegation=delegation, expires_at=min(ends))


def _hangs(authorization: Authorization) -> _Hangs:
    match authorization.proof.consumes:
        case CodeUse() as use:
            return _new_family(authorization, use)
        case Rotation() as rotation:
            return _next_generation(authorization, rotation)
        case Grace() as grace:
            again = families.written(grace.family_id, grace.generation, grace.secret)
            return _Hangs(grace.family_id, refresh_token=again)
        case Derivation() as derived:
            return _Hangs(derived.family_id, derived.parent_id)
        case None:
            return _Hangs()


def _new_family(authorization: Authorization, use: CodeUse) -> _Hangs:
    proof = authorization.proof
    family_id, secret = identifiers.make("rtf"), opaque.make() if _wants_refresh(authorization) else ""
    opened = rows.open_family(
        family_id,
        client=authorization.client,
        subject=authorization.subject,
        scope=" ".join(sorted(proof.scopes)),
        delegations=[delegation.pk for delegation in proof.delegations],
        digest=opaque.digest(secret) if secret else "",
        now=authorization.now,
        expires=_latest_end(authorization),
        auth_time=proof.sign_in.auth_time if proof.sign_in else None,
    )
    used = rows.use_code(use.code_id, family_id, now=authorization.now)
    return _Hangs(
        family_id,
        refresh_token=families.written(family_id, 0, secret) if secret else "",
        consumes=(opened, used),
    )


def _next_generation(authorization: Authorization, rotation: Rotation) -> _Hangs:
    moved = rows.rotate_family(
        rotation.family_id, rotation.generation, digest=opaque.digest(rotation.next_secret), now=authorization.now
    )
    written = families.written(rotation.family_id, rotation.generation + 1, rotation.next_secret)
    return _Hangs(rotation.family_id, refresh_token=written, consumes=(moved,))


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
