"""It starts safe or not at all, and says of itself whether it is well."""

import os
import subprocess
import sys
from datetime import timedelta

import pytest
from django.conf import settings
from django.utils import timezone

from audit.models import Lease
from kit import context
from remit import checks, demo
from remit.management.commands import up
from remit.tasks import tick
from tenants.models import Tenant
from tests import settings as places
from tests.harness import server, vandal
from tokens.models import SigningKey

IMPORT = ["-c", "import remit.wsgi"]
CELERY = ["-m", "celery", "--quiet", "-A", "remit"]
POSTGRESQL = {"REMIT_DATABASE_URL": "postgresql://nobody@127.0.0.1:1/nowhere"}


def _start(command=IMPORT, **changes):
    """Start a process of the product with changes to a safe environment; None takes a variable away."""
    environment = {**os.environ, "DJANGO_SETTINGS_MODULE": "remit.settings", "PYTHONPATH": f"platform{os.pathsep}."}
    environment |= {name: value for name, value in changes.items() if value is not None}
    for name in (name for name, value in changes.items() if value is None):
        environment.pop(name, None)
    return subprocess.run(
        [sys.executable, *command], cwd=server.ROOT, env=environment, capture_output=True, text=True, timeout=60,
        check=False,
    )  # fmt: skip


def _refused(done, number):
    assert done.returncode == 78, done.stderr[-2000:]
    assert f"remit.E{number:03}: " in done.stderr
    assert "Traceback" not in done.stderr


def test_a_safe_environment_starts():
    done = _start()
    assert (done.returncode, done.stderr) == (0, "")


@pytest.mark.parametrize(
    ("number", "changes"),
    [
        (1, {"REMIT_DEBUG": "1", "REMIT_PUBLIC_ORIGIN": "https://id.example.com"}),
        (2, {"REMIT_SEALING_KEYS": ""}),
        (3, {"REMIT_SECRET_KEY": None}),
        (4, {"REMIT_PUBLIC_ORIGIN": "http://id.example.com"}),
        (5, {"REMIT_PUBLIC_ORIGIN": "https://id.example.com/identity"}),
        (6, {**POSTGRESQL, "REMIT_DATABASE_OPERATOR_URL": None}),
        (10, {"REMIT_SEALING_KEYS": "A" * 43}),
    ],
)
def test_an_unsafe_environment_is_refused_with_its_number(world, number, changes):
    _refused(_start(**changes), number)


def test_a_model_that_is_not_swapped_is_refused(tmp_path):
    (tmp_path / "partly.py").write_text(
        "from remit.settings import *\nOAUTH2_PROVIDER_DEVICE_GRANT_MODEL = 'oauth2_provider.DeviceGrant'\n"
    )
    path = os.pathsep.join(["platform", ".", str(tmp_path)])
    done = _start(DJANGO_SETTINGS_MODULE="partly", PYTHONPATH=path)
    assert done.returncode != 0
    assert "remit.E007" in done.stderr


@pytest.mark.postgresql
@pytest.mark.parametrize(("number", "role"), [(8, "SUPERUSER"), (9, "OWNER")])
def test_a_database_role_that_row_level_security_does_not_bind_is_refused(number, role):
    superuser = f"{places.SUPERUSER.rpartition('/')[0]}/{places.DATABASE}"
    url = superuser if role == "SUPERUSER" else os.environ["REMIT_DATABASE_OWNER_URL"]
    _refused(_start(REMIT_DATABASE_URL=url), number)


def test_a_sealing_key_that_is_none_is_refused_and_not_shown():
    done = _start(REMIT_SEALING_KEYS="A" * 42)
    assert done.returncode != 0
    assert "A" * 42 not in done.stderr


def _ids(settings, **changes):
    """Return what is wrong with a configuration, asked in this process."""
    public = {"IS_HTTPS": True, "PUBLIC_ORIGIN": "https://id.example.com", "MFA_WEBAUTHN_ALLOW_INSECURE_ORIGIN": False}
    calm = {"DEBUG": False, "FETCH_LOOPBACK_HOSTS": [], "FETCH_CA_FILE": "", **public}
    kept = {"NOTICE_DAYS": 90, "JOB_DAYS": 90}
    for name, value in {**calm, **kept, **changes}.items():
        setattr(settings, name, value)
    return [message.id for message in checks.configuration(None)]


@pytest.mark.parametrize(
    ("changes", "ids"),
    [
        ({}, []),
        ({"IS_HTTPS": False, "PUBLIC_ORIGIN": "http://localhost:8000", "DEBUG": True}, []),
        ({"IS_HTTPS": False, "PUBLIC_ORIGIN": "http://[::1]:8000"}, []),
        ({"DEBUG": True}, ["remit.E001"]),
        ({"SEALING_KEYS": []}, ["remit.E002"]),
        ({"NOTICE_DAYS": 1, "JOB_DAYS": 1}, []),
        ({"NOTICE_DAYS": 0}, ["remit.E013"]),
        ({"JOB_DAYS": 0}, ["remit.E013"]),
        ({"SECRET_KEY": "a" * 80}, ["remit.E003"]),
        ({"SECRET_KEY": "abcdefghij" * 4}, ["remit.E003"]),
        ({"IS_HTTPS": False, "PUBLIC_ORIGIN": "http://localhost.example.com"}, ["remit.E004"]),
        ({"IS_HTTPS": False, "PUBLIC_ORIGIN": "http://[::1].example.com"}, ["remit.E004"]),
        ({"PUBLIC_ORIGIN": "https://id example.com"}, ["remit.E005"]),
        ({"PUBLIC_ORIGIN": "https://id.example.com/"}, ["remit.E005"]),
        ({"PUBLIC_ORIGIN": "https://user@id.example.com"}, ["remit.E005"]),
        ({"PUBLIC_ORIGIN": "https://id.example.com?x"}, ["remit.E005"]),
        ({"PUBLIC_ORIGIN": "https://"}, ["remit.E005"]),
        ({"MFA_WEBAUTHN_ALLOW_INSECURE_ORIGIN": True}, ["remit.E011"]),
        ({"STATUS_PAGE": "javascript:alert(1)"}, ["remit.E014"]),
        ({"STATUS_PAGE": "http://status.example.com"}, ["remit.E014"]),
        ({"FETCH_LOOPBACK_HOSTS": ["localhost:8443"]}, ["remit.E012"]),
        ({"FETCH_CA_FILE": "/ca.pem"}, ["remit.E012"]),
    ],
)
def test_a_configuration_is_judged_line_by_line(settings, changes, ids):
    assert _ids(settings, **changes) == ids


@pytest.mark.parametrize(
    ("changes", "is_let_in"),
    [
        ({}, True),
        ({"PUBLIC_ORIGIN": "https://id.example.com"}, False),
        ({"FETCH_LOOPBACK_HOSTS": ["localhost:8443"]}, False),
        ({"FETCH_CA_FILE": "/ca.pem"}, False),
    ],
)
def test_the_demonstrations_documents_are_let_in_on_loopback_where_nobody_chose_otherwise(settings, changes, is_let_in):
    calm = {"PUBLIC_ORIGIN": "http://localhost:8000", "FETCH_LOOPBACK_HOSTS": [], "FETCH_CA_FILE": ""}
    for name, value in {**calm, **changes}.items():
        setattr(settings, name, value)
    allowed = {"REMIT_FETCH_LOOPBACK_HOSTS": demo.DOCUMENT_HOST, "REMIT_FETCH_CA_FILE": str(demo.CA_FILE)}
    assert up._way_out() == (allowed if is_let_in else {})


@pytest.mark.parametrize("verb", [["beat", "--pidfile", ""], ["worker", "--pool", "solo"]])
def test_the_clock_does_not_start_unsafe_either(verb):
    _refused(_start([*CELERY, *verb], REMIT_SECRET_KEY="short"), 3)


def test_no_command_works_with_an_unsafe_configuration():
    done = _start(["manage.py", "up"], REMIT_PUBLIC_ORIGIN="http://id.example.com")
    assert done.returncode != 0
    assert "remit.E004" in done.stderr


def test_a_database_that_is_down_does_not_keep_it_from_starting():
    """It says so at /readyz, and comes back with the database."""
    url = POSTGRESQL["REMIT_DATABASE_URL"]
    done = _start(REMIT_DATABASE_URL=url, REMIT_DATABASE_OPERATOR_URL=url)
    assert done.returncode == 0, done.stderr


def test_secrets_may_be_files(tmp_path):
    names = ("REMIT_SECRET_KEY", "REMIT_SEALING_KEYS", "REMIT_DATABASE_URL")
    for name in names:
        (tmp_path / name).write_text(os.environ[name] + "\n")
    files = {f"{name}_FILE": str(tmp_path / name) for name in names} | dict.fromkeys(names)
    show = "import remit.wsgi; from django.conf import settings as s; print(s.SECRET_KEY, s.DATABASES['default'])"
    done = _start(["-c", show], **files)
    assert done.returncode == 0, done.stderr
    assert os.environ["REMIT_SECRET_KEY"] in done.stdout
    assert str(settings.DATABASES["default"]["NAME"]) in done.stdout


def test_a_secret_file_that_is_weak_is_refused_like_the_secret_itself(tmp_path):
    (tmp_path / "key").write_text("short")
    _refused(_start(REMIT_SECRET_KEY=None, REMIT_SECRET_KEY_FILE=str(tmp_path / "key")), 3)


# --- whose host


def test_a_foreign_host_is_told_that_the_process_lives_and_nothing_else(world):
    paths = ("/", "/readyz", "/static/ui/ui.css", world.tenant.issuer.removeprefix(world.origin), "/t/nope", "/x")
    protocol = ("/.well-known/openid-configuration", "/jwks.json", "/token", "/login", "/api/v1/self")
    for host in ("evil.example", "localhost.evil.example", "127.0.0.1", ""):
        headers = {"Host": host}
        assert world.http.get(f"{world.origin}/livez", headers=headers).status_code == 200
        for url in (*(f"{world.origin}{path}" for path in paths), *map(world.url, protocol)):
            response = world.http.get(url, headers=headers)
            assert (response.status_code, "evil" in response.text) == (400, False), (host, url)


def test_a_forwarded_host_changes_nothing(world):
    headers = {"X-Forwarded-Host": "evil.example", "Forwarded": "host=evil.example", "X-Forwarded-Proto": "https"}
    document = world.http.get(world.url("/.well-known/openid-configuration"), headers=headers)
    assert document.json()["issuer"] == world.tenant.issuer
    assert "evil" not in document.text


# --- is it well?


@pytest.fixture
def well(world):
    """The live server in a database where everything is as it should be."""
    Tenant.objects.exclude(pk=world.tenant.pk).update(status=Tenant.Status.DELETED)
    Lease.objects.using(settings.OPERATOR_ALIAS).all().delete()
    tick()
    return world


def _readyz(world):
    response = world.http.get(f"{world.origin}/readyz")
    assert response.headers["Cache-Control"] == "no-store"
    return response.status_code, response.json().get("problems", [])


def test_it_is_ready_when_everything_is_as_it_should_be(well):
    assert _readyz(well) == (200, [])


def test_it_says_that_the_clock_stands_still(well):
    lease = Lease.objects.using(settings.OPERATOR_ALIAS).filter(name="remit.tick")
    lease.update(until=timezone.now() - timedelta(seconds=121))
    assert _readyz(well) == (503, ["clock"])
    lease.delete()
    assert _readyz(well) == (503, ["clock"])


def test_it_says_that_one_job_stands_still_while_others_run(well):
    leases = Lease.objects.using(settings.OPERATOR_ALIAS)
    for minutes, problems in ((9, []), (11, ["clock"])):
        ran = timezone.now() - timedelta(minutes=minutes)
        leases.update_or_create(name="tokens.rotate_keys", defaults={"holder": "lea_x", "until": ran})
        assert _readyz(well)[1] == problems
    leases.filter(name="tokens.rotate_keys").delete()
    assert _readyz(well) == (200, [])


def test_it_says_that_a_key_should_have_been_rotated(well):
    with context.use(well.tenant):
        old = timezone.now() - timedelta(days=settings.KEY_DAYS + 3)
        SigningKey.objects.filter(algorithm="RS256").update(activate_at=old)
    assert _readyz(well) == (503, ["keys"])


@pytest.mark.parametrize("algorithm", ["ES256", "RS256"])
def test_it_says_that_a_tenant_cannot_sign(well, algorithm):
    with context.use(well.tenant):
        SigningKey.objects.filter(algorithm=algorithm).update(status="destroyed")
    assert _readyz(well) == (503, ["keys"])
    Tenant.objects.filter(pk=well.tenant.pk).update(status=Tenant.Status.DELETED)
    assert _readyz(well) == (200, [])


def test_it_says_that_a_migration_is_missing(well):
    where = "WHERE app = 'tokens' AND name = '0001_initial'"
    vandal.run(f"UPDATE django_migrations SET app = 'tokens_aside' {where}")
    try:
        assert _readyz(well) == (503, ["migrations"])
    finally:
        vandal.run(f"UPDATE django_migrations SET app = 'tokens' {where.replace('tokens', 'tokens_aside')}")
    assert _readyz(well) == (200, [])


def test_it_says_that_the_database_is_gone_and_lives_on(world):
    url = POSTGRESQL["REMIT_DATABASE_URL"]
    port = str(server.free_port())
    extra = {"REMIT_DATABASE_URL": url, "REMIT_DATABASE_OPERATOR_URL": url}
    with server.running(extra=extra, port=port):
        headers = {"Host": world.origin.removeprefix("http://")}
        response = world.http.get(f"http://127.0.0.1:{port}/readyz", headers=headers)
        assert (response.status_code, response.json()["problems"]) == (503, ["database"])
        assert world.http.get(f"http://127.0.0.1:{port}/livez").status_code == 200
