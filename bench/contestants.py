"""Who is measured, and how each is set up, served and asked: three lists of commands of the same shape."""

import os
import secrets
import socket
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from bench import database
from bench.operations import OPERATIONS

ROOT = Path(__file__).resolve().parents[1]
NODE = ROOT / "bench" / "peers" / "node"
THREADS = "8"
"""What the image sets: docs/operations.md, Processes."""
DEEP = frozenset({"exchange4", "introspection4"})
"""What has a chain of agents in it: nobody else knows one."""
ACROSS = frozenset({"grant", "redemption"})
EVERYTHING = frozenset(operation.name for operation in OPERATIONS)

Command = tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Contestant:
    """A server. `prepare` is a command that takes an operation, a count and a file; `roles` own and use its database.

    A window of a slow one may be shorter: `share` of the requests.
    """

    name: str
    title: str
    database: str
    port: int
    environment: Mapping[str, str]
    set_up: tuple[Command, ...]
    serve: Command
    prepare: Command
    folder: Path = ROOT
    roles: tuple[str, ...] = ()
    operations: frozenset[str] = EVERYTHING
    share: float = 1.0


def ours(folder: Path, name: str = "remit_bench") -> Contestant:
    """Return our server as docs/operations.md deploys it: an https origin, three roles, granian as the image has it."""
    port = _free_port()
    owner, application, operator = (f"{name}_{role}" for role in ("owner", "app", "operator"))
    environment = {
        **_python(folder, "remit.settings"),
        "REMIT_PUBLIC_ORIGIN": "https://id.bench.example",
        "REMIT_SECRET_KEY": secrets.token_urlsafe(64),
        "REMIT_SEALING_KEYS": secrets.token_urlsafe(32),
        "REMIT_DATABASE_URL": database.url(name, application),
        "REMIT_DATABASE_OPERATOR_URL": database.url(name, operator),
        "REMIT_API_REQUESTS_PER_MINUTE": "1000000000",
        "REMIT_TENANT_API_REQUESTS_PER_MINUTE": "1000000000",
        "REMIT_STATIC_ROOT": str(folder / "static"),
    }
    manage = (sys.executable, "manage.py")
    provision = ("env", f"REMIT_DATABASE_OWNER_URL={database.url(name, owner)}", *manage, "provision")
    collect = ("env", "REMIT_COLLECTED_STATIC=1", *manage, "collectstatic", "--no-input", "--verbosity", "0")
    module = (sys.executable, "-m", "bench.ours")
    return Contestant(
        "ours", "Remit", name, port, environment,
        set_up=(provision, collect, (*module, "set_up")),
        serve=_granian("remit.wsgi:application", port),
        prepare=(*module, "prepare"),
        roles=(owner, application, operator),
    )  # fmt: skip


def toolkit(folder: Path) -> Contestant:
    """Return django-oauth-toolkit as it ships, served as we serve ours; no `private_key_jwt`, no exchange."""
    name, port = "remit_bench_dot", _free_port()
    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    environment = {
        **_python(folder, "bench.peers.dot.settings"),
        "BENCH_DATABASE_URL": database.url(name),
        "BENCH_SECRET_KEY": secrets.token_urlsafe(64),
        "BENCH_RSA_KEY": key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode(),
    }
    module = (sys.executable, "-m", "bench.peers.dot")
    return Contestant(
        "dot", "django-oauth-toolkit", name, port, environment,
        set_up=((*module, "set_up"),),
        serve=_granian("bench.peers.dot.wsgi:application", port),
        prepare=(*module, "prepare"),
        operations=EVERYTHING - {"assertion", "exchange"} - DEEP - ACROSS,
        share=0.5,
    )  # fmt: skip


def node(folder: Path) -> Contestant:
    """Return node-oidc-provider with the adapter beside it."""
    name, port = "remit_bench_node", _free_port()
    environment = {
        "BENCH_FOLDER": str(folder),
        "BENCH_PORT": str(port),
        "BENCH_DATABASE_URL": database.url(name),
        "NODE_ENV": "production",
    }
    return Contestant(
        "node", "node-oidc-provider", name, port, environment,
        set_up=(("node", "set_up.mjs"),),
        serve=("node", "serve.mjs"),
        prepare=("node", "prepare.mjs"),
        folder=NODE,
        operations=EVERYTHING - DEEP,
    )  # fmt: skip


def _granian(application: str, port: int) -> Command:
    return (
        str(Path(sys.executable).with_name("granian")), "--interface", "wsgi", "--host", "127.0.0.1",
        "--port", str(port), "--blocking-threads", THREADS, application,
    )  # fmt: skip


def _python(folder: Path, settings: str) -> dict[str, str]:
    path = os.pathsep.join([str(ROOT / "platform"), str(ROOT)])
    return {"PYTHONPATH": path, "DJANGO_SETTINGS_MODULE": settings, "BENCH_FOLDER": str(folder)}


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
