"""The shape that the design promises, read from the files and the model registry."""

import ast
import functools
import importlib
import platform
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from django.apps import apps
from django.core.management import call_command
from django.db import connection, models

from kit import context
from tenants.scoping import GLOBAL_TABLES

pytestmark = pytest.mark.once

ROOT = Path(__file__).resolve().parents[2]
APPS = ("audit", "tenants", "trust", "agents", "delegations", "tokens", "notices", "console", "api")
MAX_FILE = 300
MAX_FUNCTION = 40
FILES = sorted(
    path
    for folder in ("platform", *APPS)
    for path in (ROOT / folder).rglob("*.py")
    if "migrations" not in path.parts and "__pycache__" not in path.parts
)
MODELS = [model for model in apps.get_models(include_auto_created=True) if not model._meta.proxy]
SCOPED = [model for model in MODELS if model._meta.db_table not in GLOBAL_TABLES]


def _named(path: Path) -> str:
    return str(path.relative_to(ROOT))


@functools.cache
def _tree(path: Path) -> ast.Module:
    return ast.parse(path.read_text())


def _offenders(look: Callable[[Path], list[str]]) -> dict[str, list[str]]:
    """Return what was found in each file where something was found."""
    return {_named(path): found for path in FILES if (found := look(path))}


def _functions(tree: ast.AST) -> Iterator[ast.FunctionDef | ast.AsyncFunctionDef]:
    return (node for node in ast.walk(tree) if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef))


def _imported(tree: ast.AST) -> Iterator[str]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (name.name for name in node.names)
        elif isinstance(node, ast.ImportFrom):
            yield from (f"{node.module}.{name.name}" for name in node.names)


# --- the platform folder


def test_platform_is_a_source_root_and_not_a_package():
    assert not (ROOT / "platform" / "__init__.py").exists()


def test_the_platform_that_is_imported_is_the_standard_librarys():
    assert platform.python_version().startswith("3.")
    assert ROOT not in Path(str(platform.__file__)).parents


@pytest.mark.parametrize("folder", [ROOT, ROOT / "platform"])
def test_a_process_started_in_either_source_root_finds_the_standard_librarys_platform(folder):
    command = [sys.executable, "-c", "import platform, celery; print(platform.python_version())"]
    found = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=True)
    assert found.stdout.strip() == platform.python_version()


# --- files


def test_there_are_product_files_to_look_at():
    assert len(FILES) > 80


def test_a_file_is_short_enough_to_read():
    assert not _offenders(lambda path: [""] if len(path.read_text().splitlines()) > MAX_FILE else [])


def test_a_function_fits_on_a_screen():
    assert not _offenders(
        lambda path: [
            f"{function.name}: {length}"
            for function in _functions(_tree(path))
            if (length := (function.end_lineno or 0) - function.lineno + 1) > MAX_FUNCTION
        ]
    )


def test_no_module_is_a_drawer_for_everything():
    assert not [_named(path) for path in FILES if path.stem in {"utils", "util", "helpers", "common", "misc"}]


def test_nothing_happens_by_signal():
    heard = ("django.dispatch", "django.db.models.signals", "django.core.signals")
    assert not _offenders(
        lambda path: [name for name in _imported(_tree(path)) if name.startswith(heard) or "receiver" in name]
    )


@pytest.mark.parametrize("path", [path for path in FILES if path.name == "models.py"], ids=_named)
def test_no_model_overrides_save_or_delete(path):
    tree = ast.parse(path.read_text())
    assert not [function.name for function in _functions(tree) if function.name in {"save", "delete"}]


def test_an_import_inside_a_function_says_why():
    def unexplained(path: Path) -> list[str]:
        lines = path.read_text().splitlines()
        return [
            f"line {node.lineno}"
            for function in _functions(_tree(path))
            for node in ast.walk(function)
            if isinstance(node, ast.Import | ast.ImportFrom)
            and "#" not in lines[node.lineno - 1]
            and not lines[node.lineno - 2].lstrip().startswith("#")
        ]

    assert not _offenders(unexplained)


def test_every_module_can_be_imported_by_its_own_name():
    for path in FILES:
        relative = path.relative_to(ROOT / "platform" if "platform" in path.parts[:-1] else ROOT)
        name = ".".join(relative.with_suffix("").parts).removesuffix(".__init__")
        if name not in {"remit.wsgi"}:  # It judges the process that imports it: tests/frame/test_start.py.
            importlib.import_module(name)


def test_imports_point_rightwards_only():
    command = [str(Path(sys.executable).with_name("lint-imports")), "--no-cache"]
    checked = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert checked.returncode == 0, checked.stdout


# --- models


def test_every_model_of_the_toolkit_is_swapped_and_has_no_table():
    toolkit = list(apps.get_app_config("oauth2_provider").get_models(include_swapped=True))
    assert len(toolkit) == 6
    assert [model for model in toolkit if not model._meta.swapped] == []
    assert not [name for name in connection.introspection.table_names() if name.startswith("oauth2_provider")]


def test_the_migrations_say_what_the_models_say(capsys):
    call_command("makemigrations", check=True, dry_run=True, verbosity=1)
    assert "No changes" in capsys.readouterr().out


def test_there_are_models_to_look_at():
    assert len(SCOPED) >= 15


@pytest.mark.parametrize("model", MODELS, ids=lambda model: model._meta.label)
def test_a_row_belongs_to_a_tenant_or_its_table_is_on_the_global_list(model):
    has_tenant = any(field.column == "tenant_id" for field in model._meta.concrete_fields)
    assert has_tenant != (model._meta.db_table in GLOBAL_TABLES)


@pytest.mark.parametrize("model", SCOPED, ids=lambda model: model._meta.label)
def test_a_scoped_row_cannot_be_without_a_tenant(model):
    (field,) = [field for field in model._meta.concrete_fields if field.column == "tenant_id"]
    assert not field.null


@pytest.mark.parametrize("model", SCOPED, ids=lambda model: model._meta.label)
def test_a_scoped_model_follows_relations_unscoped_and_is_asked_scoped(model):
    assert model._meta.base_manager_name == "unscoped"
    assert type(model.unscoped) is models.Manager
    # The seals have no manager that a page could ask: only the clock and the verifier read them, across tenants.
    asked = getattr(model, "objects", None)
    if model._meta.label == "audit.Seal":
        assert asked is None
        return
    assert model._default_manager.name == "objects"
    with pytest.raises(context.NoTenant):
        asked.all()
    with pytest.raises(context.NoTenant):
        asked.first()


def test_a_scoped_model_asked_inside_a_tenant_asks_for_that_tenant_alone(world, elsewhere):
    with context.use(world.tenant):
        asked = [model.objects for model in SCOPED if hasattr(model, "objects")]
        assert not [rows.model for rows in asked if rows.exclude(tenant_id=world.tenant.pk).exists()]
        assert [rows.model for rows in asked if rows.exists()]


def test_every_name_on_the_global_list_is_a_table():
    assert connection.introspection.table_names()
    assert not GLOBAL_TABLES - set(connection.introspection.table_names())


@pytest.mark.parametrize("model", SCOPED, ids=lambda model: model._meta.label)
def test_what_is_unique_to_people_is_unique_within_a_tenant(model):
    """Only identifiers that the server makes may be unique across tenants: anything else tells of a neighbour."""
    made_here = {"id", "entry_id", "code", "handle", "jti", "device_code", "resource_server"}
    alone = [field.name for field in model._meta.concrete_fields if field.unique and field.name not in made_here]
    together = [
        constraint.name
        for constraint in model._meta.constraints
        if isinstance(constraint, models.UniqueConstraint)
        and not {"tenant", "tenant_id", "resource_server"} & set(constraint.fields)
        and not set(constraint.fields) <= made_here
    ]
    assert not alone
    assert not together
