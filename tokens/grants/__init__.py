"""The grants: one module each, with GRANT_TYPE, PARAMETERS and prove(). A new grant is a module and a line here.

A module may name the REFUSAL with which it says that what a token would hang on is over, or have a function
`refusal(request)` that does; else it is InvalidGrant. Where it has `client_of(tenant, request)`, a request may come
without a client. One that has `resume(tenant, client, request)` instead of prove() opens a request that waited.
"""

from types import ModuleType

from kit.oauth import InvalidGrant, InvalidRequest, OAuthError, UnsupportedGrantType
from tokens.grants import (
    authorization_code,
    client_credentials,
    deferred,
    device_code,
    jwt_bearer,
    refresh_token,
    token_exchange,
)
from tokens.values import TokenRequest

REGISTRY: dict[str, ModuleType] = {
    module.GRANT_TYPE.value: module
    for module in (
        authorization_code,
        refresh_token,
        client_credentials,
        token_exchange,
        jwt_bearer,
        device_code,
        deferred,
    )
}


def chosen(request: TokenRequest) -> ModuleType:
    """Return the grant that a request names, once its parameters are all there."""
    name = request.one("grant_type")
    if not name:
        raise InvalidRequest("grant_type is missing")
    if name not in REGISTRY:
        raise UnsupportedGrantType(name[:80])
    grant = REGISTRY[name]
    for parameter in grant.PARAMETERS:
        if not request.one(parameter):
            raise InvalidRequest(f"{parameter} is missing")
    return grant


def refusal(grant: ModuleType, request: TokenRequest) -> type[OAuthError]:
    """Return how a grant says that what a token would hang on is over."""
    chooses = getattr(grant, "refusal", None)
    chosen: type[OAuthError] = chooses(request) if chooses else getattr(grant, "REFUSAL", InvalidGrant)
    return chosen
