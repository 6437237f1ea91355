"""The `type` of a problem is the address of a page about it; what HTTP's status says already is about:blank."""

import ast
from pathlib import Path

import pytest

import api
from api import errors, fresh, problems
from api.problem_kinds import ADVICE
from tests.conformance.test_resources_api import MAIL, asker
from tests.spec import spec

FOLDER = Path(api.__file__).parent


@spec("RFC 9457", "3.1.1")
@pytest.mark.parametrize("title", ADVICE)
def test_a_kind_of_problem_has_a_page_for_whoever_comes_which_says_what_to_do(world, title):
    code, todo = ADVICE[title]
    nobody = world.browser()
    assert nobody.go(world.url(f"/errors/{code}")).status_code == 200
    assert title in nobody.words()
    assert todo in nobody.words()
    told = world.http.get(world.url(f"/errors/{code}"), headers={"Accept": "application/json"})
    assert (told.json()["code"], told.json()["todo"]) == (code, [todo])


@spec("RFC 9457", "3.1.1")
def test_what_is_refused_leads_to_the_page_of_its_kind(world):
    ask = asker(world, "ada", "resources:read resources:write")
    assert ask("POST", "/resources", MAIL).status_code == 201
    refused = ask("POST", "/resources", MAIL)
    kind = refused.json()["type"]
    assert (refused.status_code, kind) == (409, world.url("/errors/there-already"))
    assert world.http.get(kind).status_code == 200
    assert ask("GET", "/resources?color=red").json()["type"] == world.url("/errors/unreadable")


@spec("RFC 9457", "4.2.1")
def test_what_the_status_says_already_is_blank(world):
    ask = asker(world, "ada", "resources:read")
    assert ask("GET", "/resources/res_nothing").json()["type"] == "about:blank"
    assert world.http.get(f"{world.origin}/t/no-such-tenant/api/v1/resources").json()["type"] == "about:blank"


@spec("RFC 9457", "3.1.4")
def test_whoever_lacks_a_role_reads_which_ones_would_do_and_not_that_the_token_lacks_a_scope(world):
    lacks = asker(world, "alice", "resources:read resources:write")("POST", "/resources", MAIL)
    assert lacks.status_code == 403
    assert (lacks.json()["title"], lacks.json()["type"]) == (
        "Your role does not allow this",
        world.url("/errors/role-lacking"),
    )
    assert lacks.json()["roles"] == ["developer", "security", "admin"]
    assert "WWW-Authenticate" not in lacks.headers
    short = asker(world, "ada", "resources:read")("POST", "/resources", MAIL)
    assert (short.status_code, short.json()["title"]) == (403, "The token lacks a scope")
    assert 'error="insufficient_scope"' in short.headers["WWW-Authenticate"]


def test_every_title_of_a_refusal_has_a_page_unless_the_status_says_it_all():
    said = {kind.title for kind in (*errors.Refusal.__subclasses__(), errors.Refusal, fresh.SignInTooOld)}
    blank = {404, 405, 406, 413, 415, 500, 503}
    assert said <= set(ADVICE)
    assert {title for code, title in problems.TITLES.items() if code not in blank} <= set(ADVICE)
    written = [
        node.value
        for path in FOLDER.glob("*.py")
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.keyword) and node.arg == "title" and isinstance(node.value, ast.Constant)
    ]
    assert [each.value for each in written] == [], "a title stands in api/problem_kinds.py"
