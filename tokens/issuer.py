"""Room 5 and 6: the only place where a token is born, and where that is written down."""

from datetime import datetime, timedelta

from django.db import transaction
from django.db.models import F

from audit.events import Event
from audit.ledger import record
from audit.principals import Kind, Principal
from kit import identifiers, opaque
from kit.oauth import OFFLINE_ACCESS, OPENID, GrantType, InvalidGrant
from tokens import families, mint
from tokens.errors import Stale
from tokens.formats import access_token, id_token
from tokens.models import AccessToken, AuthorizationCode, RefreshToken
from tokens.values import Authorization, CodeUse, Grace, Rotation, TokenSet


def issue(authorization: Authorization) -> TokenSet:
    """Consume what was offered, record the token and return it; raises InvalidGrant or Stale, and then wrote nothing.

    Everything is written in one short transaction; signing comes after it, so that no lock waits for arithmetic.
    """
    token_id = identifiers.make("tok")
    with transaction.atomic():
        family_id, refresh_token = _consume(authorization)
        if not mint.insert(authorization, token_id=token_id, family_id=family_id):
            raise Stale(authorization.delegation.pk)
        _record(authorization, token_id)
    access = access_token.encode(authorization, token_id)
    return TokenSet(
        access_token=access,
        expires_in=authorization.seconds,
        scope=authorization.scope,
        refresh_token=refresh_token,
        id_token=_id_token(authorization, access),
    )


def _consume(authorization: Authorization) -> tuple[str | None, str]:
    """Return the token family and the refresh token to hand out, or ""."""
    match authorization.proof.consumes:
        case CodeUse() as use:
            return _open_family(authorization, use)
        case Rotation() as rotation:
            return rotation.family_id, _rotate(authorization, rotation)
        case Grace() as grace:
            return grace.family_id, families.written(grace.family_id, grace.generation, grace.secret)
        case None:
            return None, ""


def _open_family(authorization: Authorization, use: CodeUse) -> tuple[str, str]:
    proof = authorization.proof
    secret = opaque.make() if _wants_refresh(authorization) else ""
    family = RefreshToken.objects.create(
        client=authorization.client,
        subject=authorization.subject,
        scope=" ".join(sorted(proof.scopes)),
        delegations=[delegation.pk for delegation in proof.delegations],
        digest=opaque.digest(secret) if secret else "",
        rotated_at=authorization.now,
        expires=_latest_end(authorization),
        auth_time=proof.sign_in.auth_time if proof.sign_in else None,
    )
    used = AuthorizationCode.objects.filter(pk=use.code_id, used_at=None).update(
        used_at=authorization.now, family=family
    )
    if not used:
        raise InvalidGrant(f"{use.code_id}: another redemption was first")
    return family.pk, families.written(family.pk, 0, secret) if secret else ""


def _rotate(authorization: Authorization, rotation: Rotation) -> str:
    moved = RefreshToken.objects.filter(pk=rotation.family_id, generation=rotation.generation, revoked=None).update(
        generation=F("generation") + 1,
        digest=opaque.digest(rotation.next_secret),
        rotated_at=authorization.now,
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


def _record(authorization: Authorization, token_id: str) -> None:
    agent, client = authorization.client.agent, authorization.client
    by = Principal(Kind.AGENT, agent.pk, agent.name) if agent else Principal(Kind.CLIENT, client.client_id, client.name)
    record(
        Event.TOKEN_ISSUED,
        by=by,
        about=AccessToken(pk=token_id, audience=authorization.audience),
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
