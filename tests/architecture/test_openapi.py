"""The OpenAPI document in the tree is the one that the views make, and says of each operation what it takes."""

from importlib import util
from pathlib import Path

import pytest
import yaml

from api.schema import document
from tests.harness import addresses

pytestmark = pytest.mark.once

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture(scope="module")
def made():
    return document()


def _operations(made):
    for path, methods in made["paths"].items():
        for method, operation in methods.items():
            yield f"{method.upper()} {path}", operation


def test_the_document_in_the_tree_is_the_one_that_the_views_make():
    spec = util.spec_from_file_location("openapi", ROOT / "scripts" / "openapi.py")
    script = util.module_from_spec(spec)
    spec.loader.exec_module(script)
    assert script.PAGE.read_text() == script.text(), "the API changed: python scripts/openapi.py"


def test_every_operation_has_a_name_of_its_own_a_scope_and_problems(made):
    problems = made["components"]["responses"].values()
    assert all("application/problem+json" in each["content"] for each in problems)
    names = [operation["operationId"] for _, operation in _operations(made)]
    assert len(names) == len(set(names)) > 40
    for name, operation in _operations(made):
        ((security,),) = [list(each.items()) for each in operation["security"]]
        assert security[0] == "oauth", name
        assert len(security[1]) == 1, name
        for code in ("401", "403", "404"):
            assert operation["responses"][code] == {"$ref": f"#/components/responses/Problem{code}"}, (name, code)
        assert any(code.startswith("2") for code in operation["responses"]), name


def test_lists_take_a_cursor_and_what_writes_a_key(made):
    for name, operation in _operations(made):
        words = {each["name"] for each in operation.get("parameters", [])}
        assert ("limit" in words) == ("cursor" in words) == operation["operationId"].endswith("_list"), name
        assert ("Idempotency-Key" in words) == (not name.startswith("GET")), name


def test_what_two_serializers_of_one_name_say_is_the_same():
    said = {}
    for address in addresses.api():
        view = address.view.view_class
        for kind in ("reads", "answers"):
            for each in getattr(view, kind, {}).values():
                row = getattr(each, "row", each)
                named = said.setdefault((kind, row.__name__.removesuffix("Serializer")), set())
                named.add(repr(row()).partition(":")[2])
    assert len(said) > 60
    assert {name for name, words in said.items() if len(words) > 1} == set(), "the document has room for one of them"


def test_the_document_is_openapi_3_1():
    text = (ROOT / "docs" / "openapi.yaml").read_text()
    assert yaml.safe_load(text)["openapi"].startswith("3.1")
