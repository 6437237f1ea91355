"""What is shipped: the lock files, the image, the services, the secrets, the licence."""

import hashlib
import json
import os
import re
import shutil
import subprocess
import sys
import threading
import tomllib
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from importlib import util
from pathlib import Path
from types import ModuleType
from typing import ClassVar

import pytest
import yaml
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

pytestmark = pytest.mark.once

ROOT = Path(__file__).resolve().parent.parent.parent
LOCKS = ("requirements.txt", "requirements-dev.txt")
OURS = {"web", "worker", "beat", "provision"}
SECRET_WORDS = re.compile(r"SECRET|PASSWORD|TOKEN|KEY|DATABASE|BROKER|CACHE")
APACHE_2_0 = "cfc7749b96f63bd31c3c42b5c471bf756814053e847c10f3eb003417bc523d30"


def read(name: str) -> str:
    return (ROOT / name).read_text(encoding="utf-8")


def locked(name: str) -> dict[str, Requirement]:
    entries = re.split(r"\n(?=\S)", read(name))
    found = (Requirement(entry.split(" \\\n")[0]) for entry in entries if not entry.startswith("#"))
    return {canonicalize_name(requirement.name): requirement for requirement in found}


def pins(name: str) -> dict[str, str]:
    return {package: str(requirement.specifier) for package, requirement in locked(name).items()}


def asked(extra: str = "") -> list[Requirement]:
    project = tomllib.loads(read("pyproject.toml"))["project"]
    words = project["optional-dependencies"][extra] if extra else project["dependencies"]
    requirements = [Requirement(word) for word in words]
    return [requirement for requirement in requirements if requirement.name != project["name"]]


@pytest.mark.parametrize("name", LOCKS)
def test_every_locked_requirement_is_one_exact_version_with_hashes(name: str) -> None:
    entries = [entry for entry in re.split(r"\n(?=\S)", read(name)) if not entry.startswith("#")]

    assert len(entries) > 20
    for entry in entries:
        first, *rest = entry.rstrip().split(" \\\n    ")
        assert re.match(r"[a-z0-9-]+==[^=*<>~ ]+( ; .+)?$", first), first
        assert rest, first
        assert all(re.fullmatch(r"--hash=sha256:[0-9a-f]{64}", line) for line in rest), first


@pytest.mark.parametrize("name", LOCKS)
def test_a_lock_file_names_no_host_and_no_option_but_hashes(name: str) -> None:
    text = read(name)

    assert "://" not in text
    assert not re.search(r"\b(index-url|find-links|trusted-host)\b", text)
    assert all(line.strip().startswith("--hash=") for line in text.splitlines() if line.strip().startswith("-"))
    assert "make lock" in text.splitlines()[1]


def test_the_development_lock_pins_what_is_shipped_exactly_alike() -> None:
    shipped, developed = pins("requirements.txt"), pins("requirements-dev.txt")

    assert shipped == {package: developed.get(package) for package in shipped}


@pytest.mark.parametrize(
    ("extra", "name"), [("", "requirements.txt"), ("demo", "requirements-dev.txt"), ("dev", "requirements-dev.txt")]
)
def test_a_lock_file_answers_what_the_project_asks_for(extra: str, name: str) -> None:
    found = locked(name)

    for wanted in asked(extra):
        version = str(found[canonicalize_name(wanted.name)].specifier).removeprefix("==")
        assert wanted.specifier.contains(version), f"{wanted} is locked at {version}: make lock"


def instructions() -> list[tuple[str, str]]:
    """The Dockerfile as (word, rest), with comments gone and continued lines joined."""
    lines = (line for line in read("Dockerfile").splitlines() if not line.startswith("#"))
    joined = "\n".join(lines).replace("\\\n", "")
    return [(word, rest.strip()) for word, _, rest in (line.partition(" ") for line in joined.splitlines() if line)]


def last_stage() -> list[tuple[str, str]]:
    every = instructions()
    begins = max(index for index, (word, _) in enumerate(every) if word == "FROM")
    return every[begins:]


def test_the_image_starts_from_one_tagged_base() -> None:
    stages = {"base", "packages", "site"}
    outside = [rest.split()[0] for word, rest in instructions() if word == "FROM" and rest.split()[0] not in stages]

    assert len(outside) == 1
    assert re.fullmatch(r"python:3\.\d+-slim-[a-z]+", outside[0])


def test_the_image_runs_as_a_numbered_user_who_is_not_root() -> None:
    users = [rest for word, rest in last_stage() if word == "USER"]

    assert len(users) == 1
    assert re.fullmatch(r"[1-9]\d{3,}:[1-9]\d{3,}", users[0])
    after = [word for word, _ in last_stage()][-4:]
    assert "RUN" not in after
    assert "COPY" not in after


def test_packages_enter_the_image_as_hashed_wheels_only() -> None:
    installs = [rest for _, rest in instructions() if re.search(r"\bpip (--\S+ \S+ )*install\b", rest)]

    assert len(installs) == 1
    for option in ("--require-hashes", "--only-binary :all:", "--requirement /tmp/requirements.txt"):
        assert option in installs[0]


def test_the_last_stage_holds_no_tool_that_installs_or_compiles() -> None:
    commands = " ".join(rest for word, rest in last_stage() if word == "RUN")

    assert "pip uninstall --yes pip setuptools wheel" in commands
    assert not re.search(r"apt-get|apk |\binstall --(?!directory)|gcc|build-essential|curl", commands)


def test_no_secret_is_written_into_the_image() -> None:
    for word, rest in instructions():
        if word in {"ENV", "ARG"}:
            assert not re.search(r"SECRET|PASSWORD|SEALING|DATABASE|BROKER", rest)
        for value in re.findall(r"REMIT_(?:SECRET_KEY|SEALING_KEYS|\w*URL)=(.+)", rest):
            assert value.startswith('"$(python -c'), f"{value} is a literal"


def test_the_image_takes_only_named_files_and_every_package() -> None:
    allowed = {line.removeprefix("!").rstrip("/") for line in read(".dockerignore").splitlines() if line[:1] == "!"}
    packages = tomllib.loads(read("pyproject.toml"))["tool"]["importlinter"]["root_packages"]

    assert read(".dockerignore").splitlines()[1] == "*"
    assert allowed.isdisjoint({"secrets", "var", ".git", ".venv", "tests", ".env"})
    folders = {name for name in packages if (ROOT / name).is_dir()}
    assert folders | {"platform", "templates", "static", "locale"} <= allowed


class Site(BaseHTTPRequestHandler):
    """A server that is ready only for its own Host, as ours is."""

    answers = 200
    content: ClassVar[dict] = {"status": "ok"}

    def do_GET(self) -> None:
        right = self.path == "/readyz" and self.headers["Host"] == "id.example.com"
        self.send_response(self.answers if right else 400)
        self.send_header("Location", "https://id.example.com/readyz")
        self.end_headers()
        self.wfile.write(json.dumps(self.content).encode())

    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture
def site() -> Iterator[HTTPServer]:
    with HTTPServer(("127.0.0.1", 0), Site) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        yield server
        server.shutdown()
        thread.join()


def run_python(code: str) -> int:
    environment = {"REMIT_PUBLIC_ORIGIN": "https://id.example.com"}
    return subprocess.run([sys.executable, "-c", code], env=environment, check=False).returncode


@pytest.mark.parametrize(("answer", "is_healthy"), [(200, True), (503, False), (301, False)])
def test_the_image_is_healthy_when_readyz_says_200_to_our_own_host(
    site: HTTPServer, monkeypatch: pytest.MonkeyPatch, answer: int, is_healthy: bool
) -> None:
    monkeypatch.setattr(Site, "answers", answer)
    [check] = [rest for word, rest in last_stage() if word == "HEALTHCHECK"]
    program, option, code = json.loads(check.partition(" CMD ")[2])
    assert (program, option) == ("python", "-c")

    status = run_python(code.replace("8000, timeout", f"{site.server_port}, timeout"))

    assert (status == 0) is is_healthy


@pytest.fixture(scope="module")
def compose() -> dict:
    return yaml.safe_load(read("docker-compose.yml"))


def test_the_services_are_the_five_and_one_that_runs_once(compose: dict) -> None:
    assert set(compose["services"]) == OURS | {"postgres", "redis"}
    assert compose["services"]["provision"]["restart"] == "no"


def test_our_services_are_one_image(compose: dict) -> None:
    assert len({(compose["services"][name]["image"], compose["services"][name]["build"]) for name in OURS}) == 1
    version = tomllib.loads(read("pyproject.toml"))["project"]["version"]
    assert compose["services"]["web"]["image"] == f"remit:{version}"


def test_every_service_has_a_read_only_root_and_no_privilege(compose: dict) -> None:
    for name, service in compose["services"].items():
        assert service["read_only"] is True, name
        assert service["cap_drop"] == ["ALL"], name
        assert "no-new-privileges:true" in service["security_opt"], name
        assert not service.keys() & {"privileged", "cap_add", "devices", "network_mode", "pid"}, name


def test_no_service_runs_as_root(compose: dict) -> None:
    for name in set(compose["services"]) - OURS:
        assert re.fullmatch(r"[1-9]\d*:[1-9]\d*", compose["services"][name]["user"]), name
    assert all("user" not in compose["services"][name] for name in OURS), "the image's own user"


def test_our_services_write_only_to_tmp_and_var_lib_remit(compose: dict) -> None:
    for name in OURS:
        service = compose["services"][name]
        assert {mount.split(":")[0] for mount in service["tmpfs"]} == {"/tmp", "/var/lib/remit"}
        assert "volumes" not in service


def test_every_image_is_tagged_and_none_is_latest(compose: dict) -> None:
    for service in compose["services"].values():
        _, _, tag = service["image"].partition(":")
        assert re.match(r"\d", tag), service["image"]


def test_every_service_that_stays_says_whether_it_is_healthy(compose: dict) -> None:
    for name, service in compose["services"].items():
        if name == "web":
            assert "healthcheck" not in service, "the image's own check"
        elif name == "provision":
            assert service["healthcheck"] == {"disable": True}
        else:
            assert service["healthcheck"]["test"][0] in {"CMD", "CMD-SHELL"}, name


@pytest.mark.parametrize(("problems", "is_healthy"), [([], True), (["keys"], True), (["clock"], False)])
def test_beat_is_healthy_while_readyz_does_not_miss_the_clock(
    site: HTTPServer, monkeypatch: pytest.MonkeyPatch, compose: dict, problems: list[str], is_healthy: bool
) -> None:
    monkeypatch.setattr(Site, "answers", 503 if problems else 200)
    monkeypatch.setattr(Site, "content", {"status": "whatever", "problems": problems})
    *_, code = compose["services"]["beat"]["healthcheck"]["test"]

    status = run_python(code.replace('"web", 8000', f'"127.0.0.1", {site.server_port}'))

    assert (status == 0) is is_healthy


def test_nothing_starts_before_what_it_needs_is_there(compose: dict) -> None:
    stays = {
        "provision": {"condition": "service_completed_successfully"},
        "postgres": {"condition": "service_healthy"},
        "redis": {"condition": "service_healthy"},
    }
    for name in ("web", "worker", "beat"):
        assert compose["services"][name]["depends_on"] == stays, name
    assert compose["services"]["provision"]["depends_on"] == {"postgres": {"condition": "service_healthy"}}


def test_databases_are_reached_from_inside_and_the_web_from_this_machine(compose: dict) -> None:
    assert compose["networks"]["inside"]["internal"] is True
    for name in ("postgres", "redis"):
        assert compose["services"][name]["networks"] == ["inside"]
    published = {name: service["ports"] for name, service in compose["services"].items() if "ports" in service}
    assert published == {"web": ["127.0.0.1:8000:8000"]}


def test_a_secret_is_always_a_file_and_never_a_value(compose: dict) -> None:
    for name, service in compose["services"].items():
        for variable, value in service.get("environment", {}).items():
            if not SECRET_WORDS.search(variable):
                continue
            assert variable.endswith("_FILE"), f"{name}: {variable}"
            assert value.startswith("/run/secrets/"), f"{name}: {variable}"
            assert value.removeprefix("/run/secrets/") in service["secrets"], f"{name}: {variable}"
    assert not re.search(r"://[^/\s]*:[^/\s]*@", read("docker-compose.yml"))


def test_every_service_is_given_the_secrets_that_it_reads_and_no_other(compose: dict) -> None:
    for name, service in compose["services"].items():
        said = json.dumps([service.get(key) for key in ("environment", "command", "healthcheck")])
        assert set(re.findall(r"/run/secrets/(\w+)", said)) == set(service["secrets"]), name


def test_only_provision_knows_the_owner_of_the_database(compose: dict) -> None:
    for name in ("web", "worker", "beat", "redis"):
        assert not {"database_owner_url", "postgres_password"} & set(compose["services"][name]["secrets"]), name


@pytest.fixture
def made(tmp_path: Path) -> Path:
    return make_secrets(tmp_path / "one")


def make_secrets(where: Path) -> Path:
    (where / "scripts").mkdir(parents=True)
    shutil.copy(ROOT / "scripts/secrets.sh", where / "scripts")
    subprocess.run([where / "scripts/secrets.sh"], check=True, capture_output=True)
    return where / "secrets"


def contents(folder: Path) -> dict[str, str]:
    return {path.name: path.read_text() for path in folder.iterdir()}


def test_the_script_makes_exactly_the_secrets_that_the_services_read(made: Path, compose: dict) -> None:
    assert {f"./secrets/{name}" for name in contents(made)} == {
        secret["file"] for secret in compose["secrets"].values()
    }


def test_the_script_refuses_to_overwrite_a_secret(made: Path) -> None:
    before = contents(made)

    again = subprocess.run([made.parent / "scripts/secrets.sh"], check=False, capture_output=True, text=True)

    assert again.returncode == 1
    assert "exists already" in again.stderr
    assert contents(made) == before


def test_no_secret_is_the_same_on_two_machines(made: Path, tmp_path: Path) -> None:
    other = contents(make_secrets(tmp_path / "two"))

    assert all(other[name] != value for name, value in contents(made).items())


def test_the_secrets_open_to_their_owner_alone(made: Path) -> None:
    assert made.stat().st_mode & 0o777 == 0o700
    assert all(path.stat().st_mode & 0o777 == 0o444 for path in made.iterdir())


def test_the_made_secrets_fit_together(made: Path, compose: dict) -> None:
    from kit.sealing import parse_key

    secret = contents(made)

    assert len(parse_key(secret["sealing_keys"])) == 32
    owner, database = (compose["services"]["postgres"]["environment"][f"POSTGRES_{part}"] for part in ("USER", "DB"))
    assert (
        secret["database_owner_url"] == f"postgresql://{owner}:{secret['postgres_password']}@postgres:5432/{database}"
    )
    assert secret["broker_url"] == f"redis://:{secret['redis_password']}@redis:6379/0"
    roles = {re.match(r"postgresql://(\w+):", secret[name])[1] for name in secret if name.startswith("database")}
    assert roles == {"remit_owner", "remit_app", "remit_operator"}


def test_the_licence_is_the_unmodified_apache_text() -> None:
    assert hashlib.sha256((ROOT / "LICENSE").read_bytes()).hexdigest() == APACHE_2_0


@pytest.mark.parametrize("name", ["scripts/secrets.sh", ".ci/run"])
def test_a_script_that_is_called_by_its_path_may_be_run(name: str) -> None:
    assert os.access(ROOT / name, os.X_OK)
    assert read(name).startswith("#!/usr/bin/env bash\n")


def known_settings() -> set[str]:
    return set(re.findall(r'"(REMIT_\w+)"', read("platform/remit/settings.py")))


def test_the_services_and_the_image_set_only_what_the_settings_read(compose: dict) -> None:
    said = {name for service in compose["services"].values() for name in service.get("environment", {})}
    said |= set(re.findall(r"\b(REMIT_\w+)=", read("Dockerfile")))

    assert {name.removesuffix("_FILE") for name in said if name.startswith("REMIT_")} <= known_settings()


def test_every_setting_stands_in_the_operations_guide_and_no_other() -> None:
    told = set(re.findall(r"^\| `(REMIT_\w+)`", read("docs/operations.md"), re.MULTILINE))

    assert told == known_settings()


def test_the_readme_names_only_settings_that_exist() -> None:
    assert set(re.findall(r"^\| `(REMIT_\w+)`", read("README.md"), re.MULTILINE)) <= known_settings()


def test_ci_runs_the_command_that_the_readme_names() -> None:
    assert re.search(r"^make test$", read("README.md"), re.MULTILINE)
    assert re.search(r"^say .*; make test$", read(".ci/run"), re.MULTILINE)


@pytest.fixture(scope="module")
def runner() -> ModuleType:
    spec = util.spec_from_file_location("scripts_test", ROOT / "scripts/test.py")
    module = util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    return module


def test_a_run_of_the_suite_without_a_count_is_no_success(runner: ModuleType, tmp_path: Path) -> None:
    outcome = runner.read(tmp_path / "never-written.xml", 0)

    assert not outcome.is_success
    assert "no count" in str(outcome)


def test_a_run_of_the_suite_counts_what_its_report_holds(runner: ModuleType, tmp_path: Path) -> None:
    report = tmp_path / "report.xml"
    report.write_text("<testsuites><testsuite><testcase/><testcase/></testsuite></testsuites>")
    assert str(runner.read(report, 0)) == "2 passed, 0 failed"
    assert runner.read(report, 0).is_success
    assert not runner.read(report, 2).is_success

    report.write_text("<testsuites><testsuite><testcase/><testcase><failure/></testcase></testsuite></testsuites>")
    assert not runner.read(report, 0).is_success


def test_a_run_of_the_suite_names_what_it_left_out_and_why(runner: ModuleType, tmp_path: Path) -> None:
    report = tmp_path / "report.xml"
    report.write_text(
        '<testsuites><testcase/><testcase name="test_it"><skipped message="no node"/></testcase></testsuites>'
    )

    count, *left_out = str(runner.read(report, 0)).splitlines()

    assert count == "1 passed, 0 failed, 1 skipped"
    assert left_out == ["  left out: test_it: no node"]


def npm_lock() -> dict:
    return json.loads(read("tests/interop/node/package-lock.json"))["packages"]


def test_every_package_of_npm_is_one_version_with_a_hash_from_whatever_registry_is_set() -> None:
    locked = {name: entry for name, entry in npm_lock().items() if name}

    assert locked
    for name, entry in locked.items():
        assert re.fullmatch(r"\d+\.\d+\.\d+(-alpha\.\d+)?", entry["version"]), name
        assert entry["integrity"].startswith("sha512-"), name
        assert not entry.keys() & {"resolved", "hasInstallScript", "link"}, name


def test_the_lock_of_npm_answers_what_its_package_asks_for() -> None:
    asked = json.loads(read("tests/interop/node/package.json"))["dependencies"]

    assert npm_lock()[""]["dependencies"] == asked
    assert {f"node_modules/{name}" for name in asked} <= npm_lock().keys()


def test_the_page_of_clients_names_the_versions_that_are_locked() -> None:
    spec = util.spec_from_file_location("scripts_clients", ROOT / "scripts/clients.py")
    clients = util.module_from_spec(spec)
    spec.loader.exec_module(clients)
    pypi = {client: pins("requirements-dev.txt")[package] for client, package in clients.FROM_PYPI.items()}
    npm = {client: npm_lock()[f"node_modules/{package}"]["version"] for client, package in clients.FROM_NPM.items()}

    page = read("docs/clients.md")

    assert all(f"| {client} | {pypi[client].removeprefix('==')} |" in page for client in pypi)
    assert all(f"| {client} | {npm[client]} |" in page for client in npm if client != clients.SUITE)
    assert f"## {clients.SUITE}, {npm[clients.SUITE]}\n" in page
