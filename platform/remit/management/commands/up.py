"""`manage.py up`: everything on one computer. Provisions, seeds, serves, and runs the clock until Ctrl-C."""

import os
import signal
import socket
import subprocess
import sys
import time
from contextlib import suppress
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from django.conf import settings
from django.core.management import call_command
from django.core.management.base import BaseCommand, CommandError, CommandParser

from kit import uris
from remit import demo
from remit.checks import refuse_unsafe_start

THREADS = 4
PATIENCE = 10


class Command(BaseCommand):
    help = "Serve a demonstration on this computer."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--quiet", action="store_true", help="Print no banner.")

    def handle(self, *args: Any, **options: Any) -> None:
        refuse_unsafe_start()
        _refuse_taken_port(_port())
        call_command("provision")
        demo.seed()
        _heed_signals()
        children: list[subprocess.Popen[bytes]] = []
        try:
            children += [self._start(_web())]
            children += [self._start(_clock())]
            _wait_until_it_answers(children[0])
            if not options["quiet"]:
                self.stdout.write(demo.banner())
                self.stdout.flush()
            _wait_for_any(children)
        except KeyboardInterrupt:
            return
        finally:
            _stop(children)

    def _start(self, command: list[str]) -> subprocess.Popen[bytes]:
        path = os.pathsep.join([str(settings.BASE_DIR / "platform"), str(settings.BASE_DIR)])
        environment = {**_mail(), **os.environ, **_way_out(), "PYTHONPATH": path}
        # A group of its own: Ctrl-C reaches us alone, and we stop the children in order.
        return subprocess.Popen(  # noqa: S603 - our own commands
            command, env=environment, cwd=settings.BASE_DIR, start_new_session=True
        )


def _port() -> int:
    return urlsplit(settings.PUBLIC_ORIGIN).port or 8000


def _refuse_taken_port(port: int) -> None:
    """The web server would share a port with another of its kind, and each would answer half of the requests."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError as error:
            raise CommandError(f"Port {port} is taken. Choose another: REMIT_PUBLIC_ORIGIN.") from error


def _way_out() -> dict[str, str]:
    """Let the demonstration's second agent publish its document on this computer, unless somebody chose otherwise."""
    is_chosen = settings.FETCH_LOOPBACK_HOSTS or settings.FETCH_CA_FILE
    if is_chosen or not uris.is_loopback(settings.PUBLIC_ORIGIN):
        return {}
    return {"REMIT_FETCH_LOOPBACK_HOSTS": demo.DOCUMENT_HOST, "REMIT_FETCH_CA_FILE": str(demo.CA_FILE)}


def _mail() -> dict[str, str]:
    """Let mail be printed where somebody tries things out, unless they named a server."""
    is_chosen = "REMIT_MAIL_URL_FILE" in os.environ or not uris.is_loopback(settings.PUBLIC_ORIGIN)
    return {} if is_chosen else {"REMIT_MAIL_URL": "consolemail://"}


def _web() -> list[str]:
    return [
        str(Path(sys.executable).with_name("granian")), "--interface", "wsgi", "--host", "127.0.0.1",
        "--port", str(_port()), "--blocking-threads", str(THREADS), "--log-level", "warning",
        "remit.wsgi:application",
    ]  # fmt: skip


def _clock() -> list[str]:
    return [
        str(Path(sys.executable).with_name("celery")), "--quiet", "-A", "remit", "beat", "--loglevel", "warning",
        "--pidfile", "",
    ]  # fmt: skip


def _heed_signals() -> None:
    """End as Ctrl-C does when we are told to, or when the terminal is closed: children in groups of their own stay."""

    def stop(number: int, frame: object) -> None:
        raise KeyboardInterrupt

    signal.signal(signal.SIGTERM, stop)
    if signal.getsignal(signal.SIGHUP) is not signal.SIG_IGN:  # As under nohup.
        signal.signal(signal.SIGHUP, stop)


def _wait_until_it_answers(web: subprocess.Popen[bytes]) -> None:
    """Say nothing of being up before it is; a server that ended is found by whoever waits for the children."""
    while web.poll() is None:
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", _port())) == 0:
                return
        time.sleep(0.05)


def _wait_for_any(children: list[subprocess.Popen[bytes]]) -> None:
    """Wait for ever; a child that ends by itself is an error."""
    while True:
        for child in children:
            try:
                code = child.wait(timeout=0.5)
            except subprocess.TimeoutExpired:
                continue
            raise CommandError(f"a child ended with {code}: {child.args!r}", returncode=1)


def _stop(children: list[subprocess.Popen[bytes]]) -> None:
    for child in children:
        if child.poll() is None:
            child.send_signal(signal.SIGTERM)
    for child in children:
        with suppress(subprocess.TimeoutExpired):
            child.wait(timeout=PATIENCE)
        with suppress(ProcessLookupError):  # Nobody of its group is left: as it should be.
            os.killpg(child.pid, signal.SIGKILL)
