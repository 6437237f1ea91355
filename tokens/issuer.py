"""Room 5 and 6: the only place where a token is born, and where that is written down."""

from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from functools import partial

from django.db import transaction

from audit import ledger
from audit.events import Event
from audit.principals import Kind, Principal
from delegations import parts, standing
from delegations.errors import DelegationError, DelegationMoved
from kit import identifiers, opaque, statements
from kit.oauth import OFFLINE_ACCESS, OPENID, GrantType, InvalidGrant
from kit.statements import Statement
from tokens import families, keys, mint, rows, trust
from tokens.across import people
from tokens.errors import Stale
from tokens.formats import access_token, id_jag, id_token
from tokens.keys import Signer
from tokens.values import (
    Authorization,
    CodeUse,
    DeferralUse,
    Derivation,
    DeviceUse,
    Grace,
    GrantUse,
    Rotation,
    TokenSet,
)

NOT_APPLICABLE = "N_A"
"""The `token_type` of what is no access token (RFC 8693 §2.2.1)."""


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
    crosses = authorization.proof.destination is not None
    token_id = identifiers.make("jag" if crosses else "tok")
    voucher = _voucher(authorization)
    with _together(authorization):
        authorization = _stand(_hand_on(authorization))
        hangs = _hangs(authorization)
        minting = mint.Minting(
            authorization,
            _entry(authorization, token_id, hangs.family_id or ""),
            token_id,
            hangs.family_id,
            hangs.parent_id,
            opaque.digest(voucher) if isinstance(voucher, str) else "",
            "" if isinstance(voucher, str) else voucher.kid,
            hangs.consumes,
            (rows.use_deferral(authorization.deferral, now=authorization.now),) if authorization.deferral else (),
        )
        if not mint.insert(minting):
            raise Stale(authorization.delegation.pk)
    if crosses and not isinstance(voucher, str):
        return _across(authorization, id_jag.encode(authorization, token_id, voucher))
    access = access_token.encode(authorization, token_id, voucher)
    held, authorized = _lives(authorization) if hangs.refresh_token else (None, None)
    return TokenSet(
        access_token=access,
        expires_in=authorization.seconds,
        scope=authorization.scope,
        refresh_token=hangs.refresh_token,
        id_token=_id_token(authorization, access, hangs.family_id or ""),
        issued_token_type=authorization.proof.issued_type,
        refresh_token_timeout=held,
        authorization_expires_in=authorized,
    )


def _lives(authorization: Authorization) -> tuple[int, int | None]:
    """Return how long the refresh token may be held, and how long what it stands for is good."""
    proof = authorization.proof
    until = proof.refreshable_until or _latest_end(authorization)
    return families.lives(proof.delegations, until, now=authorization.now)


def _voucher(authorization: Authorization) -> str | Signer:
    """Return what will show that the token is ours: a secret, or the key that signs while the version is this one."""
    destination = authorization.proof.destination
    if destination is not None:
        return keys.signer(destination.audience.algorithm)
    secret = access_token.new_secret(authorization.audience)
    return secret or keys.signer(access_token.algorithm_for(authorization.audience))


def _together(authorization: Authorization) -> AbstractContextManager[object]:
    """Open a transaction where the mint's one statement is not all that is written."""
    consumes = authorization.proof.consumes
    hands_on = isinstance(consumes, Derivation) and consumes.part is not None
    writes = hands_on or authorization.proof.standing is not None
    return transaction.atomic() if writes or not statements.is_postgresql() else nullcontext()


def _hand_on(authorization: Authorization) -> Authorization:
    """Write the part that an exchange needs, where it needs one: in the token's transaction, or not at all."""
    consumes = authorization.proof.consumes
    if not isinstance(consumes, Derivation) or consumes.part is None:
        return authorization
    try:
        delegation = parts.hand_on(consumes.part, by=_principal(authorization))
    except DelegationMoved as error:
        raise Stale(f"{error}: it changed") from error
    except DelegationError as error:
        raise InvalidGrant(f"{type(error).__name__}: {error}") from error
    # A part that is there already may end sooner than the one that was planned.
    ends = [authorization.expires_at, *filter(None, [delegation.expires_at])]
    return replace(authorization, delegation=delegation, expires_at=min(ends))


def _stand(authorization: Authorization) -> Authorization:
    """Write the delegation that an organisation's word needs, and who the person is: with the token, or not at all."""
    proof = authorization.proof
    if proof.standing is None:
        return authorization
    if proof.standing.foreign_delegation and proof.standing.issuer is not None:
        word = proof.standing
        trust.hold(proof.standing.issuer, word.foreign_delegation, word.scopes, now=authorization.now)
    if proof.arrival is not None:
        people.welcome(proof.arrival)
    try:
        delegation = standing.stand(proof.standing, by=_principal(authorization))
    except DelegationMoved as error:
        raise Stale(f"{error}: it changed") from error
    except DelegationError as error:
        raise InvalidGrant(f"{type(error).__name__}: {error}") from error
    ends = [authorization.expires_at, *filter(None, [delegation.expires_at])]
    return replace(authorization, delegation=delegation, expires_at=min(ends))


def _across(authorization: Authorization, grant: str) -> TokenSet:
    """Return the answer that holds a grant for another server: no access token, nothing beside it (ID-JAG §4.3.4)."""
    return TokenSet(
        access_token=grant,
        expires_in=authorization.seconds,
        scope=authorization.scope,
        token_type=NOT_APPLICABLE,
        issued_token_type=authorization.proof.issued_type,
    )


def _hangs(authorization: Authorization) -> _Hangs:
    match authorization.proof.consumes:
        case CodeUse() as use:
            return _new_family(authorization, partial(rows.use_code, use.code_id), redirect_host=use.redirect_host)
        case DeviceUse() as use:
            return _new_family(authorization, partial(rows.use_device_code, use.grant_id))
        case DeferralUse():
            return _new_family(authorization)  # What it waited under is used up in any case.
        case Rotation() as rotation:
            return _next_generation(authorization, rotation)
        case Grace() as grace:
            again = families.written(grace.family_id, grace.generation, grace.secret)
            return _Hangs(grace.family_id, refresh_token=again)
        case Derivation() as derived:
            return _Hangs(derived.family_id, derived.parent_id)
        case GrantUse() as use:
            return _Hangs(consumes=(rows.use_grant(use),))
        case None:
            return _Hangs()


def _new_family(
    authorization: Authorization, use: Callable[..., Statement] | None = None, *, redirect_host: str = ""
) -> _Hangs:
    proof = authorization.proof
    family_id, secret = identifiers.make("rtf"), opaque.make() if _wants_refresh(authorization) else ""
    opened = rows.open_family(
        family_id,
        client=authorization.client,
        subject=authorization.subject,
        scope=" ".join(sorted(proof.scopes)),
        delegations=[delegation.pk for delegation in proof.delegations],
        digest=opaque.digest(secret) if secret else "",
        redirect_host=redirect_host,
        now=authorization.now,
        expires=_latest_end(authorization),
        auth_time=proof.sign_in.auth_time if proof.sign_in else None,
        key_thumbprint=authorization.evidence.thumbprint,
    )
    return _Hangs(
        family_id,
        refresh_token=families.written(family_id, 0, secret) if secret else "",
        consumes=(opened, use(family_id, now=authorization.now)) if use else (opened,),
    )


def _next_generation(authorization: Authorization, rotation: Rotation) -> _Hangs:
    moved = rows.rotate_family(
        rotation.family_id,
        rotation.generation,
        digest=opaque.digest(rotation.next_secret),
        key_thumbprint=authorization.evidence.thumbprint,
        now=authorization.now,
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


def _id_token(authorization: Authorization, access: str, family_id: str) -> str:
    sign_in = authorization.proof.sign_in
    if sign_in is None or OPENID not in authorization.proof.scopes:
        return ""
    return id_token.encode(authorization, sign_in, access_token=access, family_id=family_id)


def _principal(authorization: Authorization) -> Principal:
    agent, client = authorization.client.agent, authorization.client
    return (
        Principal(Kind.AGENT, agent.pk, agent.name) if agent else Principal(Kind.CLIENT, client.client_id, client.name)
    )


def _event(authorization: Authorization) -> Event:
    agent, proof = authorization.client.agent, authorization.proof
    hides = isinstance(proof.consumes, Derivation) and not authorization.actor
    if hides and agent and agent.pk != authorization.subject:
        return Event.TOKEN_IMPERSONATED
    return Event.ASSERTION_ISSUED if proof.destination else Event.TOKEN_ISSUED


def _entry(authorization: Authorization, token_id: str, family_id: str) -> ledger.Fields:
    agent, client = authorization.client.agent, authorization.client
    # Whose assertion this token was bought with; what is bought later stands on it, and brings none.
    issuer = authorization.delegation.issuer_id if authorization.grant_type == GrantType.JWT_BEARER else None
    return ledger.fields(
        _event(authorization),
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
            **({"installation": family_id} if family_id else {}),
            **({"issuer": issuer} if issuer else {}),
            **({"deferral": authorization.deferral} if authorization.deferral else {}),
        },
    )
