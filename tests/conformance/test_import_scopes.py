"""Scopes from a description: proposed from OpenAPI or an MCP server's tools, changed by an admin, only then there."""

import json
import re
import threading
import time
from datetime import timedelta

import httpx
import pytest
import uvicorn
import yaml
from django.utils import timezone
from mcp.server.mcpserver import MCPServer
from mcp_types import ToolAnnotations

from audit.principals import SYSTEM
from kit import context
from tenants import actions
from tests.conformance.test_add_document import makes_nothing
from tests.conformance.test_resources_api import asker
from tests.harness.footprint import leaves_only
from tests.harness.hostile import json_answer, status
from tests.harness.server import free_port
from tests.spec import spec
from trust.models import OutboundHost

READ = {"security": [{"login": ["rooms:read"]}]}
WRITE = {"security": [{"login": ["rooms:book"]}]}
OPENAPI = {
    "openapi": "3.1.0",
    "components": {
        "securitySchemes": {
            "login": {
                "type": "oauth2",
                "flows": {
                    "authorizationCode": {
                        "scopes": {
                            "rooms:read": "See which rooms are free. Every floor, and who sits there.",
                            "rooms:book": "",
                            "events:read": "Is there already",
                            "rooms:audit": "See who booked what",
                            "openid": "Sign in",
                        }
                    }
                },
            },
            "key": {"type": "apiKey", "name": "k", "in": "header"},
        }
    },
    "paths": {"/rooms": {"get": READ, "post": WRITE, "summary": "rooms"}, "/rooms/{id}": {"delete": WRITE}},
}
TOOLS = {
    "tools": [
        {"name": "find_room", "description": "Find a free room.\nOn any floor.", "annotations": {"readOnlyHint": True}},
        {"name": "bookRoom", "title": "Book a room"},
        {"name": "burn.room", "description": "x" * 300, "annotations": {"destructiveHint": True}},
        {"name": "two words", "description": "Nobody can ask for it"},
    ]
}
# Written anew: the same object twice would be an alias.
IN_YAML = yaml.safe_dump(json.loads(json.dumps(OPENAPI)), sort_keys=False)
OF_OPENAPI = [
    ("rooms:read", "See which rooms are free", "Every floor, and who sits there.", False, "", ["GET /rooms"]),
    ("rooms:book", "Rooms book", "", True, "", ["POST /rooms", "DELETE /rooms/{id}"]),
    ("rooms:audit", "See who booked what", "", True, "", []),
]
OF_TOOLS = [
    ("find_room", "Find a free room", "On any floor.", False, "", ["find_room"]),
    ("bookRoom", "Book a room", "", True, "", ["bookRoom"]),
    ("burn.room", "Burn room", "x" * 254 + "…", True, "final", ["burn.room"]),
]


@pytest.fixture
def ask(world):
    call = asker(world, "ada")
    return lambda **body: call("POST", f"/resources/{world.calendar.pk}/proposals", body)


def told(answer):
    """Return what is new of what is proposed."""
    assert answer.status_code == 200, answer.text
    scopes = [(each["scope"], each["uses"]) for each in answer.json()["proposals"] if not each["is_there"]]
    words = ("name", "title", "description", "is_writing", "weight")
    return [(*(scope[word] for word in words), uses) for scope, uses in scopes]


SWAGGER = {
    **{name: OPENAPI[name] for name in ("paths",)},
    "swagger": "2.0",
    "securityDefinitions": {
        "login": {"type": "oauth2", **OPENAPI["components"]["securitySchemes"]["login"]["flows"]["authorizationCode"]}
    },
}


@spec("RFC 6749", "3.3")
@pytest.mark.parametrize(
    ("document", "expected"),
    [
        (json.dumps(OPENAPI), OF_OPENAPI), (IN_YAML, OF_OPENAPI),
        (json.dumps(SWAGGER), OF_OPENAPI),
        (json.dumps(TOOLS), OF_TOOLS), (json.dumps({"jsonrpc": "2.0", "id": 1, "result": TOOLS}), OF_TOOLS),
        (json.dumps(TOOLS["tools"]), OF_TOOLS),
    ],
    ids=["openapi", "openapi in yaml", "swagger", "tools", "answer", "list of tools"],
)  # fmt: skip
def test_a_description_proposes_scopes_with_words_for_people_and_writes_nothing(world, ask, document, expected):
    with leaves_only(world):
        assert told(ask(document=document)) == expected


@spec("RFC 6749", "3.3")
def test_what_is_there_is_marked_and_what_cannot_be_asked_for_is_passed_over(ask):
    found = ask(document=json.dumps(OPENAPI)).json()
    assert [each["scope"]["name"] for each in found["proposals"] if each["is_there"]] == ["events:read"]
    assert [each["name"] for each in found["passed_over"]] == ["openid"]
    assert [each["name"] for each in ask(document=json.dumps(TOOLS)).json()["passed_over"]] == ["two words"]


BOMB = "a: &a [x, x]\nb: &b [*a, *a]\nopenapi: 3.1.0\n"
HOSTILE = {
    "nothing": {},
    "two sources": {"document": "{}", "url": "https://a.example/"},
    "no document": {"document": "  "},
    "another kind": {"document": '{"hello": 1}'},
    "broken JSON": {"document": '{"openapi": '},
    "broken YAML": {"document": "openapi: [1"},
    "a class": {"document": "openapi: !!python/object/apply:os.system [id]"},
    "aliases": {"document": BOMB},
    "a name twice": {"document": '{"openapi": "3", "openapi": "3"}'},
    "too deep": {"document": '{"openapi": ' + "[" * 80 + "]" * 80 + "}"},
    "deep YAML": {"document": "openapi: " + "[" * 80 + "]" * 80},
    "a list of tools with nothing": {"document": '{"tools": [], "x": 1}'},
    "an error": {"document": '{"jsonrpc": "2.0", "id": 1, "error": {"code": 1, "message": "no"}}'},
    "more than anybody reads": {"document": json.dumps({"tools": [{"name": f"t{n}"} for n in range(1500)]})},
    "another protocol": {"url": "http://a.example/openapi.json"},
    "inside": {"url": "https://localhost/openapi.json"},
    "a server that is no server": {"ask": True},
}


@spec("RFC 9110", "15.5.21")
@pytest.mark.parametrize("name", HOSTILE)
def test_what_cannot_be_read_is_refused_in_words_and_leaves_nothing(world, ask, name):
    with makes_nothing(world):
        refused = ask(**HOSTILE[name])
    assert (refused.status_code, refused.headers["content-type"]) == (422, "application/problem+json"), refused.text
    assert 10 < len(refused.json()["detail"]) < 300


@spec("RFC 9110", "15.5.21")
def test_words_of_strangers_become_one_line_of_text_that_is_seen(world, ask):
    nasty = "\u202eRead\u0007 all\n\n\tof \u2066it\u2069\u200b <script>alert(1)</script>"
    document = {"tools": [{"name": "read", "description": nasty}, {"name": "long", "description": "a" * 4000}]}
    document["tools"].append({"name": "a\u202eb"})
    found = told(ask(document=json.dumps(document)))
    assert found[0][1:3] == ("Read all of it <script>alert(1)</script>", "")
    assert (found[1][1], len(found[1][2])) == ("Long", 255)
    assert len(found) == 2
    ada = world.browser("ada")
    ada.go(place(world))
    page = ada.submit(ada.form("import-scopes"), {"document": json.dumps(document)})
    assert page.status_code == 200
    assert "<script>alert" not in page.text
    assert "\u202e" not in page.text.split("Where it is described")[0].split("Read another one")[0]


# --- where it comes from


@spec("RFC 9110", "9.3.1")
def test_a_description_is_fetched_from_its_address_and_never_beyond_a_megabyte(world, ask, documents):
    body = IN_YAML.encode()
    head = b"HTTP/1.1 200 OK\r\nContent-Type: application/yaml\r\n"
    answer = head + b"Content-Length: %d\r\n\r\n" % len(body) + body
    documents.answers["/openapi.yaml"] = lambda connection: connection.sendall(answer)
    documents.answers["/none.yaml"] = status("404 Not Found")
    documents.answers["/page"] = lambda connection: connection.sendall(
        answer.replace(b"application/yaml", b"text/html")
    )
    documents.answers["/large.json"] = json_answer(b'{"openapi": "' + b"x" * (1024 * 1024) + b'"}')
    assert told(ask(url=documents.url("/openapi.yaml"))) == OF_OPENAPI
    for path, why in {"/none.yaml": "nothing at this", "/page": "content type", "/large.json": "more bytes"}.items():
        refused = ask(url=documents.url(path))
        assert (refused.status_code, why in refused.text) == (422, True), refused.text
        forgive(world)


def forgive(world):
    """Let the documents' host be asked again at once, whatever it did."""
    with context.use(world.tenant):
        OutboundHost.objects.update(failures=0, not_before=timezone.now() - timedelta(minutes=1))


class Room:
    """An MCP server that shows strangers its tools, or nobody."""

    def __init__(self, world, documents, mode):
        self.path, self.mode = f"/{world.tenant.slug}/mcp", mode
        self.seen = []
        documents.guards[self.path] = self._answer
        with context.use(world.tenant):
            self.server = actions.add_resource_server(documents.url(self.path), "Rooms", [], by=SYSTEM, kind="mcp")

    def _answer(self, told):
        message = json.loads(told.body)
        self.seen.append((message["method"], told.headers.get("mcp-session-id", "")))
        if self.mode == "closed":
            return status("401 Unauthorized")
        is_old = self.mode in {"handshake", "stream"}
        if is_old and told.headers.get("mcp-protocol-version") == "2026-07-28":
            return status("400 Bad Request")
        if message["method"] == "initialize":
            return self._json({"protocolVersion": "2025-06-18", "capabilities": {}}, b"Mcp-Session-Id: s1\r\n")
        if "id" not in message:
            return status("202 Accepted")
        if "cursor" not in message["params"]:
            return self._json({"tools": TOOLS["tools"][:1], "nextCursor": "more"})
        return self._json({"tools": TOOLS["tools"][1:]})

    def _json(self, result, header=b""):
        body = json.dumps({"jsonrpc": "2.0", "id": 1, "result": result}).encode()
        kind = b"application/json"
        if self.mode == "stream":
            note = b'event: message\ndata: {"jsonrpc": "2.0", "method": "notifications/message", "params": {}}\n\n'
            body, kind = b"id: 0\ndata:\n\n" + note + b"event: message\ndata: " + body + b"\n\n", b"text/event-stream"
        head = b"HTTP/1.1 200 OK\r\nContent-Type: %b\r\n%bConnection: close\r\n\r\n" % (kind, header)
        return lambda connection: connection.sendall(head + body)


@spec("MCP", "2026-07-28/basic/transports")
@pytest.mark.parametrize("mode", ["stateless", "handshake", "stream"])
def test_an_mcp_server_is_asked_itself_page_by_page_whichever_revision_it_speaks(world, documents, mode):
    room = Room(world, documents, mode)
    answer = asker(world, "ada")("POST", f"/resources/{room.server.pk}/proposals", {"ask": True})
    assert told(answer) == OF_TOOLS
    methods = ["tools/list"] * 2
    if mode != "stateless":
        methods = ["tools/list", "initialize", "notifications/initialized", *methods]
    assert [method for method, _ in room.seen] == methods
    assert {session for method, session in room.seen[-2:]} == {"" if mode == "stateless" else "s1"}


@spec("MCP", "2026-07-28/basic/authorization")
def test_a_server_that_shows_strangers_nothing_is_not_pressed(world, documents):
    room = Room(world, documents, "closed")
    refused = asker(world, "ada")("POST", f"/resources/{room.server.pk}/proposals", {"ask": True})
    assert (refused.status_code, len(room.seen)) == (422, 1)
    assert "Paste its answer" in refused.json()["detail"]


# --- the page


def place(world):
    return world.url(f"/console/resources/{world.calendar.pk}/import-scopes")


@pytest.fixture
def looked(world):
    """Ada, before what her document proposes."""
    ada = world.browser("ada")
    ada.go(place(world))
    page = ada.submit(ada.form("import-scopes"), {"document": json.dumps(OPENAPI)})
    assert page.status_code == 200, page.text
    return ada


def rows(ada):
    """Return the form of the proposals."""
    return next(form for form in ada.forms() if ("add", "1") in form.buttons)


@spec("RFC 6749", "3.3")
def test_only_what_somebody_ticked_is_added_and_in_the_words_that_they_chose(world, looked):
    form = rows(looked)
    assert not [name for name, _ in form.fields if name.endswith("-take")], "nothing is ticked before"
    chosen = {"add": "1", "scope0-take": "on", "scope1-take": "on", "scope1-title": "Book a room"}
    page = looked.submit(form, {**chosen, "scope1-weight": "as_you"})
    assert page.url.path.endswith(world.calendar.pk), page.text
    scopes = {
        each["name"]: each for each in asker(world, "ada")("GET", f"/resources/{world.calendar.pk}").json()["scopes"]
    }
    assert scopes["rooms:book"]["title"] == "Book a room"
    assert (scopes["rooms:book"]["is_writing"], scopes["rooms:book"]["weight"]) == (True, "as_you")
    assert (scopes["rooms:read"]["is_writing"], scopes["rooms:read"]["weight"]) == (False, "")
    assert "rooms:audit" not in scopes
    assert [entry.detail["scope"] for entry in world.entries("scope.added")] == ["rooms:read", "rooms:book"]


FLAWED = {
    "nothing ticked": ({}, "Tick at least one of them."),
    "a name there": ({"scope0-take": "on", "scope0-name": "events:read"}, "It is there already."),
    "one name twice": ({"scope0-take": "on", "scope1-take": "on", "scope1-name": "rooms:read"}, "It is there already."),
    "no name": ({"scope0-take": "on", "scope0-name": "a b"}, "cannot be that of a scope"),
    "no words": ({"scope0-take": "on", "scope0-title": ""}, "This field is required."),
    "too long": ({"scope0-take": "on", "scope0-title": "x" * 101}, "at most 100 characters"),
}


@spec("RFC 6749", "3.3")
@pytest.mark.parametrize("name", FLAWED)
def test_where_one_cannot_be_none_is_added_and_all_that_was_typed_is_still_there(world, looked, name):
    changes, why = FLAWED[name]
    typed = {"scope2-take": "on", "scope2-title": "What I typed", "scope1-description": "And this"}
    sent = {"add": "1", **(typed if changes else {"scope2-title": "What I typed", "scope1-description": "And this"})}
    with leaves_only(world):
        page = looked.submit(rows(looked), {**sent, **changes})
    assert page.status_code == 422
    assert why in page.text
    kept = dict(rows(looked).fields)
    assert (kept["scope2-title"], kept["scope1-description"]) == ("What I typed", "And this")
    assert kept.get("scope0-name") == changes.get("scope0-name", "rooms:read")


@spec("RFC 9110", "15.5.21")
def test_a_document_that_cannot_be_read_stays_in_the_form_with_the_reason(world):
    ada = world.browser("ada")
    ada.go(place(world))
    page = ada.submit(ada.form("import-scopes"), {"document": BOMB, "only": "rooms"})
    assert (page.status_code, "holds an alias" in page.text) == (422, True)
    kept = dict(ada.form("import-scopes").fields)
    assert (kept["document"].strip(), kept["only"]) == (BOMB.strip(), "rooms")


@spec("RFC 9110", "15.5.14")
def test_more_than_a_form_holds_is_said_to_be_more(world):
    ada = world.browser("ada")
    ada.go(place(world))
    with leaves_only(world):
        page = ada.submit(ada.form("import-scopes"), {"document": "x" * 70_000})
    assert (page.status_code, "A form holds up to 64 KB." in page.text) == (413, True)


@spec("RFC 9110", "8.3")
def test_a_large_document_comes_as_a_file_and_is_shown_a_part_at_a_time(world):
    tools = {"tools": [{"name": f"tool_{n}", "description": "Does a thing. " + "y" * 900} for n in range(120)]}
    ada = world.browser("ada")
    ada.go(place(world))
    form = ada.form("import-scopes")
    headers = {"Origin": world.origin, "Referer": place(world)}
    sent = [(name, value) for name, value in form.fields if name != "file"]

    def send(content, only=""):
        data = {**dict(sent), "only": only}
        return ada.http.post(place(world), data=data, files={"file": ("tools.json", content)}, headers=headers)

    page = send(json.dumps(tools).encode())
    assert (page.status_code, len(re.findall(r'name="scope\d+-take"', page.text))) == (200, 30)
    assert "90 more are not shown." in page.text
    assert len(page.content) < 115 * 1024
    assert len(re.findall(r'name="scope\d+-take"', send(json.dumps(tools).encode(), "_11").text)) == 11
    assert send(b"\xff\xfe").status_code == 422


@spec("MCP", "2026-07-28/server/tools")
def test_a_server_of_the_public_sdk_is_read_as_it_is(world, documents, monkeypatch):
    server = MCPServer("Rooms", log_level="WARNING")

    @server.tool(description="Find a free room.", annotations=ToolAnnotations(read_only_hint=True))
    def find_room() -> str:
        return ""

    app = server.streamable_http_app()
    port = free_port()
    run = uvicorn.Server(uvicorn.Config(app, host="127.0.0.1", port=port, log_level="warning"))
    thread = threading.Thread(target=run.run, daemon=True)
    thread.start()
    while not run.started:
        time.sleep(0.02)
    path = f"/{world.tenant.slug}/sdk"

    def through(told):
        wanted = {
            name: value for name, value in told.headers.items() if name.startswith(("mcp", "accept", "content-t"))
        }
        got = httpx.post(f"http://127.0.0.1:{port}/mcp", headers=wanted, content=told.body)
        named = [name for name in ("content-type", "mcp-session-id") if name in got.headers]
        head = "".join(f"{name}: {got.headers[name]}\r\n" for name in named)
        answer = f"HTTP/1.1 {got.status_code} x\r\n{head}Connection: close\r\n\r\n".encode() + got.content
        return lambda connection: connection.sendall(answer)

    documents.guards[path] = through
    with context.use(world.tenant):
        made = actions.add_resource_server(documents.url(path), "Rooms", [], by=SYSTEM, kind="mcp")
    try:
        answer = asker(world, "ada")("POST", f"/resources/{made.pk}/proposals", {"ask": True})
        assert told(answer) == [("find_room", "Find a free room", "", False, "", ["find_room"])]
    finally:
        run.should_exit = True
        thread.join(timeout=10)
