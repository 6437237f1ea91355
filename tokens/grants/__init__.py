"""The grants: one module each, with GRANT_TYPE, PARAMETERS and prove(). A new grant is a module and a line here.

A module may name the REFUSAL with which it says that what a token would hang on is over; else it is InvalidGrant.
"""

from types import ModuleType

from kit.oauth import InvalidRequest, UnsupportedGrantType
from tokens.grants import authorization_code, client_credentials, refresh_token, token_exchange
from tokens.values import TokenRequest

REGISTRY: dict[str, ModuleType] = {
    module.GRANT_TYPE.value: module
    for module in (authorization_code, refresh_token, client_credentials, token_exchange)
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
