"""The second play: an agent that is registered nowhere. A document says who it is, and a key proves it."""

import secrets

import httpx2
from mcp.shared.auth import AuthorizationCodeResult

from examples.agent import Errand, Identity, KeyholdingAgent
from examples.person import Person
from examples.plays.play import Play, claims_of, refresh, refusal, sent
from examples.plays.stage import CA_FILE, ISSUER, ORIGIN, Teller, Unexpected
from examples.publisher import Site

NAME = "Minute taker"
REDIRECT = "http://127.0.0.1/callback"


class SecondPlay(Play):
    """Alice, an agent with a key, the site where it publishes, and one server."""

    def __init__(self, teller: Teller, alice: Person, notes: str, site: Site) -> None:
        super().__init__(teller, alice)
        self.notes, self.site = notes, site
        # Another agent in each play, with a key of its own: what a server keeps of an older one stays that one's.
        folder = f"/agents/{secrets.token_hex(4)}"
        self.document_path, self.keys_path = f"{folder}/minute-taker.json", f"{folder}/keys.json"
        self.identity = Identity(site.url(self.document_path))
        self.agent = KeyholdingAgent(NAME, self.show, self.identity, redirect_uri=REDIRECT, witness=self.see)

    async def play(self) -> None:
        self.teller.play("Second play: an agent that is registered nowhere, with a document and a key.")
        await self._publish()
        errand = self.agent.acting_for("alice", self.notes)
        await self._first_call(errand)
        await self._without_the_key(errand)
        await self._with_the_key(errand)
        await self.end(errand)
        await self._after_the_end(errand)

    async def show(self, person: str, url: str) -> AuthorizationCodeResult:
        """Play the agent's browser, and say what is missing where Remit could not read the document."""
        try:
            return await super().show(person, url)
        except LookupError as error:
            if self.document_path in self.site.asked:
                raise
            raise Unexpected(
                f"Remit at {ORIGIN} did not fetch {self.identity.url}. `make run` in this folder lets it, and so does"
                f" REMIT_FETCH_LOOPBACK_HOSTS={self.site.authority} with REMIT_FETCH_CA_FILE={CA_FILE}."
                " After a failure it waits for some seconds before it asks again"
            ) from error

    async def _publish(self) -> None:
        document = self.identity.document(NAME, REDIRECT, jwks_uri=self.site.url(self.keys_path))
        self.site.publish(self.document_path, document)
        self.site.publish(self.keys_path, self.identity.keys())
        async with httpx2.AsyncClient(verify=self.site.tls, timeout=20) as http:
            found = await http.get(self.identity.url)
        self.site.asked.clear()
        self.teller.step(
            f"GET {self.identity.url}",
            f"{found.status_code} {found.text}",
            "the agent serves this itself, over https: its client_id is where it lies, and the key is behind jwks_uri",
            expected=found.json()["client_id"] == self.identity.url and "client_secret" not in found.json(),
        )

    async def _first_call(self, errand: Errand) -> None:
        said = await errand.call("list_notes")
        self._found_that_documents_are_taken()
        self._asked_by_its_url()
        self._proved_itself()
        claims = claims_of(errand)
        self.teller.step(
            "agent reads the token",
            f"client_id {claims['client_id']}, aud {claims['aud']}, sub {claims['sub']}, act {claims['act']},"
            f" delegation_id {claims['delegation_id']}",
            "the whole sentence: for alice, through this agent by that document, at one server, because she allowed it",
            expected=claims["client_id"] == self.identity.url
            and claims["aud"] == self.notes
            and claims["act"]["sub"].startswith("agt_")
            and claims["delegation_id"].startswith("dlg_"),
        )
        self.teller.step(
            "agent calls list_notes with the token",
            f"“{said}”",
            "to the server this is a token as any other",
            expected=claims["sub"] in said and claims["act"]["sub"] in said,
        )

    def _found_that_documents_are_taken(self) -> None:
        metadata = self.answered("GET", "/.well-known/oauth-authorization-server/t/acme").json()
        takes_documents = metadata.get("client_id_metadata_document_supported")
        methods = metadata["token_endpoint_auth_methods_supported"]
        self.teller.step(
            f"GET {ORIGIN}/.well-known/oauth-authorization-server/t/acme",
            f"200 client_id_metadata_document_supported {takes_documents},"
            f" token_endpoint_auth_methods_supported {methods}",
            "so the SDK registers nothing: it says the URL instead",
            expected=takes_documents is True
            and "private_key_jwt" in methods
            and all(response.url.path != "/t/acme/register" for response in self.seen),
        )

    def _asked_by_its_url(self) -> None:
        asked, said = self.asked_for[-1], f"From Verified {self.site.authority}"
        self.teller.step(
            f"GET /t/acme/authorize client_id={asked['client_id']} scope={asked['scope']!r}",
            f"Remit reads the document; the page says “{said if said in self.alice.read else '?'}”; alice allows it",
            "anybody can take a name, but only who runs a host can put a document there: the page vouches for the host",
            expected=asked["client_id"] == self.identity.url
            and self.document_path in self.site.asked
            and said in self.alice.read,
        )

    def _proved_itself(self) -> None:
        token = self.answered("POST", "/t/acme/token")
        self.teller.step(
            "POST /t/acme/token with code, verifier, and an assertion that the agent signed",
            f"{token.status_code} {token.json()['token_type']}, {token.json()['expires_in']} s;"
            f" Remit read {self.site.url(self.keys_path)}",
            "private_key_jwt (RFC 7523): a proof for this issuer, for a minute, once; the key stays with the agent",
            expected=token.status_code == 200
            and "client_assertion" in sent(token)
            and self.keys_path in self.site.asked,
        )

    async def _without_the_key(self, errand: Errand) -> None:
        spent = sent(self.answered("POST", "/t/acme/token"))
        again = {name: spent[name] for name in ("client_assertion", "client_assertion_type")}
        refused = await refresh(errand, again)
        self.teller.step(
            "POST /t/acme/token with the refresh token and the same assertion a second time",
            f"{refused.status_code} {refused.json()['error']}",
            "whoever saw it on its way has nothing: an assertion is good once",
            expected=refusal(refused) == (401, "invalid_client"),
        )
        refused = await refresh(errand, {})
        self.teller.step(
            "POST /t/acme/token with the refresh token and no assertion",
            f"{refused.status_code} {refused.json()['error']}",
            "whoever stole the refresh token has nothing either: it is good in the hands of the key alone",
            expected=refusal(refused) == (401, "invalid_client"),
        )

    async def _with_the_key(self, errand: Errand) -> None:
        before = errand.tokens
        errand.expire()
        said = await errand.call("list_notes")
        after = errand.tokens
        self.teller.step(
            "POST /t/acme/token with the refresh token and a fresh assertion",
            f"200 a new access token and a new refresh token; list_notes says “{said}”",
            "the two refusals cost the agent nothing: who does not prove itself spends no token of others",
            expected=after.access_token != before.access_token and after.refresh_token != before.refresh_token,
        )

    async def _after_the_end(self, errand: Errand) -> None:
        refused = await refresh(errand, await self.identity.proof(ISSUER))
        self.teller.step(
            "POST /t/acme/token with the refresh token and a fresh assertion",
            f"{refused.status_code} {refused.json()['error']}",
            "the key says who the agent is; what it may do was alice's to give, and to end",
            expected=refusal(refused) == (400, "invalid_grant"),
        )
