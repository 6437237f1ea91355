"""Having a resource server tested: a right one passes, each wrong one fails at its step, and nothing it saw is good."""

import json
import secrets
import threading
import time

import httpx
import pytest
import uvicorn

from audit.principals import SYSTEM
from examples.calendar_server.__main__ import build
from examples.calendar_server.guard import Guard
from examples.calendar_server.place import Place
from examples.calendar_server.verification import Verifier
from kit import context
from tenants import actions
from tenants.models import ResourceServer
from tests.conformance.test_resources_api import asker
from tests.harness import hostile
from tests.harness.footprint import leaves_only
from tests.harness.hostile import json_answer, status
from tests.harness.server import free_port
from tests.harness.world import claims as jwt_claims
from tests.spec import spec

ORDER = ["document", "stranger", "expired", "elsewhere", "good"]
DENIED = "401 Unauthorized"


class Guarded:
    """A resource server behind https whose answers a test chooses; `shown` are the tokens that it saw."""

    def __init__(self, world, documents, **fields):
        self.world, self.path = world, f"/{secrets.token_hex(6)}/mcp"
        self.url, self.shown = documents.url(self.path), []
        self.well_known = f"/.well-known/oauth-protected-resource{self.path}"
        self.challenge = f'Bearer resource_metadata="{documents.url(self.well_known)}"'
        self.document = {"resource": self.url, "authorization_servers": [world.tenant.issuer]}
        with context.use(world.tenant):
            self.server = actions.add_resource_server(self.url, "Guarded", [], by=SYSTEM, **fields)
        documents.answers[self.well_known] = self._describe
        documents.guards[self.path] = self._guard

    def _describe(self, connection):
        json_answer(json.dumps(self.document).encode())(connection)

    def _guard(self, told):
        token = told.headers.get("authorization", "").removeprefix("Bearer ")
        self.shown.append(token)
        return self.answer(token)

    def answer(self, token):
        """Answer as a right server does, by what the token says."""
        said = jwt_claims(token) if token.count(".") == 2 else {}
        is_good = said.get("aud") == self.url and said.get("exp", 0) > time.time()
        return json_answer(b"{}") if is_good else self.refuse()

    def refuse(self, challenge=None):
        return status(DENIED, f"WWW-Authenticate: {challenge or self.challenge}\r\n".encode())

    def probe(self):
        return asker(self.world, "ada")("POST", f"/resources/{self.server.pk}/probe")


@pytest.fixture
def guarded(world, documents):
    return Guarded(world, documents)


def verdicts(answer):
    assert answer.status_code == 200, answer.text
    return {each["step"]: each["verdict"] for each in answer.json()["steps"]}


@spec("RFC 9728", "5.1")
def test_a_server_that_takes_our_tokens_and_only_those_passes_and_that_is_told(world, guarded):
    answer = guarded.probe()
    assert verdicts(answer) == dict.fromkeys(ORDER, "passed"), answer.text
    assert answer.json()["passed"] is True
    told = world.entries("resource_server.probed")[-1]
    assert (told.principal_label, told.detail["passed"]) == ("Ada", True)
    assert told.detail["steps"] == [f"{name}: passed" for name in ORDER]
    with context.use(world.tenant):
        kept = ResourceServer.objects.get(pk=guarded.server.pk)
    assert (kept.probe_failed, kept.version) == ("", guarded.server.version)
    assert kept.probed_at is not None


@spec("RFC 9068", "4")
def test_what_a_server_is_shown_is_good_for_nothing_else(world, guarded):
    guarded.probe()
    nothing, *tokens = guarded.shown
    assert (nothing, len(tokens)) == ("", 3)
    good = jwt_claims(tokens[-1])
    assert (good["scope"], good["aud"], good["exp"] - good["iat"]) == ("", guarded.url, 60)
    reader = world.introspector(guarded.server)
    for token in tokens:
        assert world.introspect(reader, token) == {"active": False}
        assert world.exchange(world.helper(), token).status_code == 400
        me = world.http.get(world.url("/api/v1/self"), headers={"Authorization": f"Bearer {token}"})
        assert me.status_code == 401


WRONG = {
    "no document": ("document", lambda g: g.documents.answers.update({g.well_known: status("404 Not Found")})),
    "a document of another": ("document", lambda g: g.document.update(resource="https://other.example/mcp")),
    "another issuer": ("document", lambda g: g.document.update(authorization_servers=["https://other.example"])),
    "no issuer": ("document", lambda g: g.document.pop("authorization_servers")),
    "a document that is a page": ("document", lambda g: g.documents.answers.update({g.well_known: hostile.bomb})),
    "a document elsewhere": ("document", lambda g: g.documents.answers.update({g.well_known: hostile.redirect})),
    "an open door": ("stranger", lambda g: setattr(g, "answer", lambda token: json_answer(b"{}"))),
    "a way elsewhere": ("stranger", lambda g: setattr(g, "answer", lambda token: hostile.redirect)),
    "no challenge": ("stranger", lambda g: setattr(g, "answer", lambda token: status(DENIED))),
    "no way shown": ("stranger", lambda g: setattr(g, "challenge", 'Bearer realm="here"')),
    "no clock": ("expired", lambda g: g.taking(lambda said: said["aud"] == g.url)),
    "any audience": ("elsewhere", lambda g: g.taking(lambda said: said["exp"] > time.time())),
    "nobody": ("good", lambda g: g.taking(lambda said: False)),
}  # fmt: skip


@spec("RFC 9728", "3.3")
@pytest.mark.parametrize("wrong", WRONG)
def test_each_wrong_server_fails_at_its_step_and_is_asked_no_more(world, documents, guarded, wrong):
    def taking(takes):
        refuse = guarded.refuse
        guarded.answer = lambda token: json_answer(b"{}") if token and takes(jwt_claims(token)) else refuse()

    guarded.documents, guarded.taking = documents, taking
    failing, spoil = WRONG[wrong]
    spoil(guarded)
    found = verdicts(guarded.probe())
    place = ORDER.index(failing)
    assert list(found.values()) == ["passed"] * place + ["failed"] + ["not_reached"] * (len(ORDER) - place - 1)
    assert len(guarded.shown) == place
    with context.use(world.tenant):
        assert ResourceServer.objects.get(pk=guarded.server.pk).probe_failed == failing


@spec("RFC 7662", "2.2")
@pytest.mark.parametrize("fields", [{"token_format": "opaque"}, {"asks_each_time": True}], ids=["opaque", "asks"])
def test_a_server_that_asks_must_refuse_what_we_say_is_not_alive(world, documents, fields):
    guarded = Guarded(world, documents, **fields)
    guarded.answer = lambda token: guarded.refuse()
    right = verdicts(guarded.probe())
    assert list(right)[-1] == "unknown"
    assert set(right.values()) == {"passed"}
    last = guarded.shown[-1]
    assert last.startswith("tok_") == (fields.get("token_format") == "opaque")
    guarded.answer = lambda token: json_answer(b"{}") if token == guarded.shown[-1] != "" else guarded.refuse()
    assert "failed" in verdicts(guarded.probe()).values()


@spec("RFC 9110", "15.5.4")
def test_what_a_server_answers_is_shown_short_and_escaped_and_its_body_never(world, guarded):
    guarded.challenge = "Basic <script>" + "x" * 500
    guarded.answer = lambda token: status(DENIED, f"WWW-Authenticate: {guarded.challenge}\r\n".encode(), b"SECRET")
    ada = world.browser("ada")
    ada.go(world.url(f"/console/resources/{guarded.server.pk}/test"))
    page = ada.submit(ada.form("/test"), {})
    assert "Its 401 has no challenge" in page.text
    assert "&lt;script&gt;" in page.text
    assert "<script>x" not in page.text
    assert "x" * 121 not in page.text
    assert "SECRET" not in page.text
    assert "SECRET" not in guarded.probe().text


@spec("RFC 9110", "15.5.4")
def test_who_may_not_write_resources_has_none_tested_nor_is_our_own_api(world, guarded):
    bob, ada = asker(world, "bob"), asker(world, "ada")
    own = {each["identifier"]: each["id"] for each in ada("GET", "/resources").json()["resources"]}
    with leaves_only(world):
        assert bob("POST", f"/resources/{guarded.server.pk}/probe").status_code == 403
        assert ada("POST", f"/resources/{own[world.tenant.api_identifier]}/probe").status_code == 422
    assert guarded.shown == []


@pytest.fixture
def example(world, documents, guarded):
    """The example MCP server as it is, standing where the guarded one is registered."""

    class There(Place):
        resource = guarded.url
        metadata_path = guarded.well_known
        origin = documents.url("")

    place = There(free_port(), world.tenant.issuer, "Calendar", "events:read", "events:write")
    inner = build(place).streamable_http_app(stateless_http=True, json_response=True)
    app = Guard(inner, place, Verifier(place))
    server = uvicorn.Server(uvicorn.Config(app, host="127.0.0.1", port=place.port, log_level="warning"))
    thread = threading.Thread(target=server.run, daemon=True)
    thread.start()
    while not server.started:
        time.sleep(0.05)

    def through(path):
        def guard(told):
            wanted = {name: told.headers[name] for name in ("authorization", "accept") if name in told.headers}
            # A stream of events has no end: of the MCP server's own answers the head is passed on.
            with httpx.stream("GET", f"http://127.0.0.1:{place.port}{path}", headers=wanted) as got:
                body = got.read() if path == guarded.well_known else b""
            named = [name for name in ("content-type", "www-authenticate") if name in got.headers]
            head = "".join(f"{name}: {got.headers[name]}\r\n" for name in named)
            guarded.shown.append(got.status_code)
            answer = f"HTTP/1.1 {got.status_code} x\r\n{head}Connection: close\r\n\r\n".encode() + body
            return lambda connection: connection.sendall(answer)

        return guard

    documents.guards[guarded.path] = through("/mcp")
    documents.guards[guarded.well_known] = through(guarded.well_known)
    yield guarded
    server.should_exit = True
    thread.join(timeout=10)


@spec("MCP", "authorization")
def test_the_example_server_passes_as_it_is(example):
    answer = example.probe()
    assert verdicts(answer) == dict.fromkeys(ORDER, "passed"), answer.text
    assert example.shown[:4] == [200, 401, 401, 401]
