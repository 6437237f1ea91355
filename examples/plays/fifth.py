"""The fifth play: a CI job that holds no secret, and acts for itself."""

from collections.abc import Mapping

import httpx

from examples.agent import Part, ask_as_job
from examples.ci_platform import Platform, key_of
from examples.plays.play import claims_in, refusal
from examples.plays.stage import ISSUER, JOB, ORIGIN, PLATFORM, PLATFORM_KEY, REPOSITORY_ID, SUBJECT, Teller, Unexpected

SCOPE = "events:write"
JOB_SAYS = {
    "sub": SUBJECT,
    "repository": "acme/robots",
    "repository_id": REPOSITORY_ID,
    "repository_owner": "acme",
    "ref": "refs/heads/main",
    "workflow": "release",
}


class FifthPlay:
    """A job, the platform that runs it, and a server."""

    def __init__(self, teller: Teller, calendar: str) -> None:
        self.teller = teller
        self.calendar = calendar
        self.platform = Platform(PLATFORM, key_of(PLATFORM_KEY))

    async def play(self) -> None:
        self.teller.play("Fifth play: a CI job. Nobody is at a browser, and no secret is stored anywhere.")
        token = await self._ask()
        await self._call(token)
        await self._refused()

    async def _ask(self) -> str:
        shown = self.platform.token(ISSUER, **JOB_SAYS)
        claims = claims_in(shown)
        self.teller.step(
            "the job asks its platform for a token",
            f"iss {claims['iss']}, sub {claims['sub']}, repository_id {claims['repository_id']}, aud {claims['aud']},"
            f" exp in {claims['exp'] - claims['iat']} s",
            "in the shape of GitHub Actions': the platform says which job this is, of which repository and branch",
            expected=claims["aud"] == ISSUER and claims["sub"] != claims["iss"],
        )
        answer = await self._asked(shown)
        if answer.status_code != 200:
            raise Unexpected(
                f"Remit at {ORIGIN} does not know the job {JOB} ({answer.status_code}). Whoever started it before this"
                " play was written ends it and starts it again: `make run` brings what is missing"
            )
        token = str(answer.json()["access_token"])
        claims = claims_in(token)
        self.teller.step(
            f"POST /t/acme/token with the platform's token as client_assertion, client_id={JOB}, and no secret",
            f"200 {answer.json()['token_type']}, {answer.json()['expires_in']} s, scope {claims['scope']!r}, aud"
            f" {claims['aud']}, sub {claims['sub']}",
            "an admin said once: this subject of this platform, with this repository_id, is that client",
            expected=claims["aud"] == self.calendar
            and claims["client_id"] == JOB
            and claims["sub"].startswith("agt_")
            and "act" not in claims,
        )
        return token

    async def _call(self, token: str) -> None:
        said = await Part(self.calendar, token).call("create_event", title="Robots 1.4 are out")
        self.teller.step(
            "the job calls create_event on the MCP SDK's client",
            f"“{said}”",
            "as itself, and for nobody: what it may do an admin allowed",
            expected=f"for {claims_in(token)['sub']} through nobody" in said,
        )

    async def _refused(self) -> None:
        await self._differs(
            "for a repository that took over the name: repository_id '75'",
            {"repository_id": "75"},
            "names are given away again, ids are not",
        )
        branch = SUBJECT.replace("refs/heads/main", "refs/heads/try-me")
        await self._differs(
            f"for another branch: sub {branch}", {"sub": branch}, "what is not on main releases nothing"
        )
        await self._differs(
            "for another audience: aud https://registry.example",
            {"aud": "https://registry.example"},
            "whoever the job shows its tokens to cannot use them here",
        )
        stranger = Platform(PLATFORM, key_of("somebody else's key"))
        answer = await self._asked(stranger.token(ISSUER, **JOB_SAYS))
        self.teller.step(
            "the same with a token that says all of the first one, signed with another key",
            f"{answer.status_code} {refusal(answer)[1] or 'is taken'}",
            "the word of the platform counts, and not who uses its name",
            expected=refusal(answer) == (401, "invalid_client"),
        )

    async def _differs(self, how: str, changes: Mapping[str, str], why: str) -> None:
        answer = await self._asked(self.platform.token(**{"audience": ISSUER, **JOB_SAYS, **changes}))
        self.teller.step(
            f"the same with the platform's token {how}",
            f"{answer.status_code} {refusal(answer)[1] or 'is taken'}",
            why,
            expected=refusal(answer) == (401, "invalid_client"),
        )

    async def _asked(self, shown: str) -> httpx.Response:
        return await ask_as_job(f"{ISSUER}/token", JOB, shown, scope=SCOPE, resource=self.calendar)
