"""What operations cost in the database as it is: the WSGI callable in this process, one request at a time.

Three readings around each request: our process's CPU, that of the PostgreSQL process that serves it, and the log's end.
"""

import time
from collections.abc import Sequence
from typing import NamedTuple

import psycopg
from django.db import connection
from django.utils import timezone

from agents import directory as agents_directory
from bench import database, processes
from bench.inputs import Inputs
from bench.operations import BY_NAME
from bench.ours import crowd
from bench.ours.calling import Application, call, repeated
from bench.ours.prepare import prepare
from bench.ours.world import SLUG, recall
from delegations.models import Delegation
from kit import context
from tenants import directory
from tokens import issuer
from tokens.grants import client_credentials
from tokens.rules import narrow
from tokens.values import TokenRequest

END = "end"
OPERATIONS = ("secret", "refresh", "exchange", "exchange4", "introspection4", END)
ENDS = 10
"""One end for so many requests of the others: it uses up what was seeded."""
WARM_UP = 5
"""At the least; a fifth of what is measured otherwise."""

Request = tuple[Inputs, str]
Beside = psycopg.Connection[tuple[object, ...]]
"""A connection of the superuser's, which asks while nobody is measured."""


class Sample(NamedTuple):
    """One request: microseconds of our CPU and of the backend's, and bytes of write-ahead log."""

    process: float
    database: float
    log: int


def measure(requests: int) -> dict[str, list[Sample]]:
    """Return so many samples of each operation, a tenth of them for an end."""
    from remit.wsgi import application  # It judges the process that imports it.

    counts = {name: max(1, requests // ENDS) if name == END else requests for name in OPERATIONS}
    asked = {name: _requests(name, _warm_up(count) + count) for name, count in counts.items()}
    with connection.cursor() as cursor:
        # What helpers of the backend do is work as well, and would be seen by nobody: they are gone once it answers.
        cursor.execute("SET max_parallel_workers_per_gather = 0")
    try:
        with psycopg.connect(crowd.place(), autocommit=True) as beside:
            database.settle(beside.info.dbname)
            # The first change of a page after a checkpoint logs all of it: every round begins behind one.
            beside.execute("CHECKPOINT")
            return {name: _samples(application, asked[name], count, beside) for name, count in counts.items()}
    finally:
        connection.close()


def _samples(application: Application, requests: Sequence[Request], count: int, beside: Beside) -> list[Sample]:
    """Warm up with the first of the requests, and return samples of the last `count`."""
    for asked, body in requests[:-count]:
        call(application, asked, body)
    backend = connection.connection.info.backend_pid
    return [_sample(application, request, backend, beside) for request in requests[-count:]]


def _warm_up(count: int) -> int:
    return max(WARM_UP, count // 5)


def _sample(application: Application, request: Request, backend: int, beside: Beside) -> Sample:
    log, ran, own = _log(beside), processes.ran(backend), time.process_time()
    call(application, *request)
    own = time.process_time() - own
    # Asked first: until it answers, the backend has come to rest.
    log = _log(beside) - log
    return Sample(own * 1e6, processes.ran(backend) - ran, log)


def _log(beside: Beside) -> int:
    """Return how many bytes of write-ahead log there are; others on this PostgreSQL write some of them."""
    found = beside.execute("SELECT pg_current_wal_insert_lsn() - '0/0'").fetchone()
    return int(str(found[0])) if found else 0


def _requests(operation: str, count: int) -> Sequence[Request]:
    if operation == END:
        return _ends(count)
    asked = prepare(operation, count if BY_NAME[operation].is_single_use else 1)
    return [(asked, body) for body in repeated(asked, count)]


def _ends(count: int) -> list[Request]:
    """Return requests with which an agent gives back what people let it do, wherever in the table that stands."""
    tenant = directory.tenant_by_slug(SLUG)
    assert tenant is not None
    with context.use(tenant):
        now, keeper = timezone.now(), agents_directory.client(recall()[crowd.KEEPER].client_id)
        assert keeper is not None
        asked = TokenRequest({"scope": ("delegations:end",), "resource": (tenant.api_identifier,)}, now)
        token = issuer.issue(narrow(client_credentials.prove(tenant, keeper, asked), asked)).access_token
        live = Delegation.objects.live(now).filter(client=keeper, member__isnull=False).order_by("?")[:count]
        chosen = list(live.values_list("pk", flat=True))
    if len(chosen) < count:
        raise ValueError(f"{count} delegations were to be ended, {len(chosen)} are there")
    rest = (f"Host: {tenant.issuer.split('/')[2]}", f"Authorization: Bearer {token}")
    return [(Inputs((f"DELETE /t/{SLUG}/api/v1/delegations/{each}", *rest), [""]), "") for each in chosen]
