"""What stands on the wire: refusals as RFC 6749 §5.2 wants them, and signatures checked against the live JWKS."""

import json
from typing import Any

import httpx
from jwcrypto import jwk, jws

from tests.harness.world import World

FORM = "application/x-www-form-urlencoded"


def assert_refused(response: httpx.Response, code: str, status: int = 400, *, page: str = "") -> None:
    """Assert code, status, and that the answer is JSON that no cache keeps and that holds nothing else.

    `page` is where `error_uri` leads: there is one where somebody's decision would change the answer, and only there.
    """
    assert response.headers["content-type"] == "application/json", response.text[:500]
    assert (response.status_code, response.json()["error"]) == (status, code), response.text
    members = {"error", "error_description"} | ({"error_uri"} if page else set())
    assert set(response.json()) == members, response.text
    assert response.json().get("error_uri", "") == page, response.text
    assert response.headers["cache-control"] == "no-store"
    assert ("www-authenticate" in response.headers) == (status == 401)


def post(world: World, path: str, body: bytes, **headers: str) -> httpx.Response:
    """POST these very bytes to an endpoint of the tenant; a form, unless the headers say otherwise."""
    sent = {"Content-Type": FORM, **{name.replace("_", "-"): value for name, value in headers.items()}}
    return world.http.post(world.url(path), content=body, headers=sent)


def verified(world: World, token: str) -> tuple[dict[str, Any], dict[str, Any]]:
    """Return header and claims of a JWT whose signature the tenant's published keys confirm."""
    keys = jwk.JWKSet.from_json(world.http.get(world.url("/jwks.json")).text)
    signed = jws.JWS()
    signed.deserialize(token)
    header = dict(signed.jose_header)
    key = keys.get_key(header["kid"])
    assert key is not None, f"the JWKS has no {header['kid']}"
    assert key["alg"] == header["alg"]
    signed.verify(key, header["alg"])
    return header, json.loads(signed.payload)
