"""The first journey, and signing in, with Authlib from PyPI, unmodified: its client, its JOSE, its judgements."""

import time

import pytest
from authlib.integrations.base_client import OAuthError
from authlib.integrations.httpx_client import OAuth2Client
from authlib.oauth2.rfc6750 import InvalidTokenError
from authlib.oauth2.rfc7523 import PrivateKeyJWT
from authlib.oauth2.rfc8414 import AuthorizationServerMetadata
from authlib.oauth2.rfc8414 import get_well_known_url as oauth_url
from authlib.oauth2.rfc9068 import JWTBearerTokenValidator
from authlib.oidc.core import CodeIDToken
from authlib.oidc.discovery import OpenIDProviderMetadata
from authlib.oidc.discovery import get_well_known_url as oidc_url
from joserfc import jwt
from joserfc.jwk import KeySet, RSAKey

from agents import switches
from audit.principals import SYSTEM
from kit import context
from tests.harness.keyholder import hand_over
from tests.harness.world import REDIRECT
from tests.interop.cast import ACCEPT, tool_call
from tests.interop.person import comes_back
from tests.spec import spec

pytestmark = pytest.mark.interop
VERIFIER = "a-verifier-of-forty-three-characters-or-more"


@pytest.fixture
def authlib(world):
    """Make Authlib's client for one of ours: authlib(worker, scope="events:read")."""
    made = []

    def make(who, secret="", **words):
        settings = {"code_challenge_method": "S256", "token_endpoint": world.url("/token"), **words}
        made.append(OAuth2Client(who.id, secret or who.secret, **settings))
        return made[-1]

    yield make
    for client in made:
        client.close()


class Guard(JWTBearerTokenValidator):
    """A resource server that judges access tokens as Authlib does."""

    def __init__(self, world, server):
        super().__init__(world.tenant.issuer, server.identifier)
        self._keys = published(world)

    def get_jwks(self):
        return self._keys


def published(world):
    return KeySet.import_key_set(world.http.get(world.url("/jwks.json")).json())


def asked(client, world, **words):
    url, client.state = client.create_authorization_url(world.url("/authorize"), code_verifier=VERIFIER, **words)
    return url


def switch(world, who, *, accept):
    """Turn the compatibility of one client on or off."""
    with context.use(world.tenant):
        switches.accept_endpoint_audience(who.client, by=SYSTEM, accept=accept)


@pytest.mark.browser
@spec("RFC 6749", "6")
def test_authlib_works_refreshes_by_itself_and_is_cut_off(world, serve, alice, redirect, authlib):
    calendar = serve(world)
    client = authlib(world.secret_client(), scope="events:read", redirect_uri=redirect)
    back = alice.allows(asked(client, world, resource=calendar.url))
    first = client.fetch_token(authorization_response=back, code_verifier=VERIFIER)
    client.token = {**first, "expires_at": time.time() - 1}
    said = client.post(calendar.url, json=tool_call(), headers=ACCEPT).json()["result"]["content"][0]["text"]
    assert f"for {world.people['alice'].pk} through agt_" in said
    assert client.token["refresh_token"] != first["refresh_token"]
    alice.ends(client.token["access_token"])
    with pytest.raises(OAuthError, match="invalid_grant"):
        client.refresh_token()


@spec("OIDC Core", "3.1.3.7")
def test_authlib_takes_the_id_token_for_good_and_userinfo_for_the_same_persons(world, authlib):
    client = authlib(world.secret_client(), scope="openid profile email", redirect_uri=REDIRECT)
    back = comes_back(world, asked(client, world, nonce="once"))
    token = client.fetch_token(authorization_response=back, code_verifier=VERIFIER)
    signed = jwt.decode(token["id_token"], published(world), algorithms=["RS256"])
    expected = {"iss": {"value": world.tenant.issuer}, "aud": {"value": client.client_id}}
    params = {"nonce": "once", "client_id": client.client_id, "access_token": token["access_token"]}
    CodeIDToken(signed.claims, signed.header, expected, params).validate()
    person = client.get(world.url("/userinfo")).json()
    assert person["sub"] == signed.claims["sub"] == world.people["alice"].pk
    assert (person["name"], person["email"]) == ("Alice", world.email("alice"))


@spec("RFC 9068", "4")
def test_authlib_takes_an_access_token_for_good_at_its_audience_and_not_next_door(world, authlib):
    worker = world.worker()
    token = authlib(worker).fetch_token(resource=world.calendar.identifier)["access_token"]
    here, next_door = Guard(world, world.calendar), Guard(world, world.notes)
    known = here.authenticate_token(token)
    here.validate_token(known, ["events:read"], None)
    assert (known["client_id"], known["sub"]) == (worker.id, worker.client.agent.pk)
    with pytest.raises(InvalidTokenError):
        next_door.validate_token(next_door.authenticate_token(token), ["events:read"], None)


@spec("RFC 8414", "2")
def test_authlib_finds_nothing_wrong_with_the_metadata_at_the_urls_it_makes(world):
    for url, model in (
        (oauth_url(world.tenant.issuer, external=True), AuthorizationServerMetadata),
        (oidc_url(world.tenant.issuer, external=True), OpenIDProviderMetadata),
    ):
        found = model(world.http.get(url).json())
        found.validate()
        assert found.issuer == world.tenant.issuer


@spec("RFC 6749", "2.3.1")
def test_authlib_proves_itself_by_its_secret_at_every_endpoint(world, authlib):
    client = authlib(world.worker())
    token = client.fetch_token(resource=world.calendar.identifier)["access_token"]
    assert client.introspect_token(world.url("/introspect"), token=token).json()["scope"] == "events:read"
    assert client.revoke_token(world.url("/revoke"), token=token).status_code == 200
    assert client.introspect_token(world.url("/introspect"), token=token).json() == {"active": False}


@spec("RFC 7523", "3")
def test_authlibs_assertion_for_the_token_endpoint_is_good_while_the_clients_switch_is_on(world, authlib):
    worker, key = world.worker(), RSAKey.generate_key(2048)
    hand_over(world, worker, {"keys": [key.as_dict(private=False)]})
    client = authlib(worker, key, token_endpoint_auth_method="private_key_jwt")
    client.register_client_auth_method(PrivateKeyJWT(world.url("/token")))
    switch(world, worker, accept=False)
    with pytest.raises(OAuthError, match="invalid_client"):
        client.fetch_token(resource=world.calendar.identifier)
    switch(world, worker, accept=True)
    token = client.fetch_token(resource=world.calendar.identifier)
    assert client.introspect_token(world.url("/introspect"), token=token["access_token"]).json()["active"]
    switch(world, worker, accept=False)
    with pytest.raises(OAuthError, match="invalid_client"):
        client.fetch_token(resource=world.calendar.identifier)
