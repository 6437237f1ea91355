"""A passkey in software: what a browser posts to add one, to sign in with it and to prove again who is there."""

import base64
import hashlib
import json
import re
import secrets
import struct
from dataclasses import dataclass, field
from typing import Any

import httpx
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from fido2 import cbor
from fido2.cose import ES256

from tests.harness.browser import Browser
from tests.harness.world import World

PRESENT, VERIFIED, ATTESTED = 0x01, 0x04, 0x40


@dataclass
class SoftKey:
    """One passkey of the installation at an origin (WebAuthn §6.1)."""

    origin: str
    key: ec.EllipticCurvePrivateKey = field(default_factory=lambda: ec.generate_private_key(ec.SECP256R1()))
    id: bytes = field(default_factory=lambda: secrets.token_bytes(16))
    handle: bytes = b""

    def register(self, options: dict[str, Any]) -> str:
        public = options["publicKey"]
        self.handle = base64.urlsafe_b64decode(public["user"]["id"] + "==")
        cose = cbor.encode(dict(ES256.from_cryptography_key(self.key.public_key())))
        attested = b"\0" * 16 + struct.pack(">H", len(self.id)) + self.id + cose
        data = self._data(PRESENT | VERIFIED | ATTESTED, 1) + attested
        made = cbor.encode({"fmt": "none", "attStmt": {}, "authData": data})
        said = {"attestationObject": _b64(made), "transports": ["internal"]}
        return self._answer("webauthn.create", public, said)

    def sign(self, options: dict[str, Any]) -> str:
        public, data = options["publicKey"], self._data(PRESENT | VERIFIED, 2)
        client = self._client("webauthn.get", public)
        signature = self.key.sign(data + hashlib.sha256(client).digest(), ec.ECDSA(hashes.SHA256()))
        said = {"authenticatorData": _b64(data), "signature": _b64(signature), "userHandle": _b64(self.handle)}
        return self._answer("webauthn.get", public, said)

    def _data(self, flags: int, count: int) -> bytes:
        return hashlib.sha256(b"localhost").digest() + struct.pack(">BI", flags, count)

    def _client(self, kind: str, public: dict[str, Any]) -> bytes:
        said = {"type": kind, "challenge": public["challenge"], "origin": self.origin, "crossOrigin": False}
        return json.dumps(said).encode()

    def _answer(self, kind: str, public: dict[str, Any], response: dict[str, Any]) -> str:
        named = {"id": _b64(self.id), "rawId": _b64(self.id), "type": "public-key"}
        said = {"clientDataJSON": _b64(self._client(kind, public)), **response}
        return json.dumps({**named, "clientExtensionResults": {"credProps": {"rk": True}}, "response": said})


def add(world: World, browser: Browser) -> SoftKey:
    """Add a passkey to the account of whoever is signed in, on the page that is open or opens."""
    browser.go(world.url("/me/security/passkeys/add"))
    key = SoftKey(world.origin)
    credential = key.register(_options(browser))
    browser.submit(browser.form("/passkeys/add"), {"name": "Mine", "credential": credential})
    return key


def sign_in(world: World, browser: Browser, key: SoftKey) -> httpx.Response:
    asked = browser.http.get(world.url("/login/passkey"), headers={"Accept": "application/json"}).json()
    browser.go(world.url("/login"))
    return browser.submit(browser.form("/login/passkey"), {"credential": key.sign(asked["request_options"])})


def prove(browser: Browser, key: SoftKey) -> httpx.Response:
    """Answer with the passkey on the page that asks for one."""
    form = next(each for each in browser.forms() if "credential" in dict(each.fields))
    return browser.submit(form, {"credential": key.sign(_options(browser))})


def _options(browser: Browser) -> dict[str, Any]:
    """Return the options that the page hands its script."""
    found = re.search(r'<script[^>]*type="application/json"[^>]*>(.*?)</script>', browser.page.text, re.S)
    assert found, browser.page.url
    said = json.loads(found[1])
    return dict(said.get("creation_options") or said.get("request_options") or said)


def _b64(raw: bytes) -> str:
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()
