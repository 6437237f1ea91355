"""The clock's jobs through real brokers, in real processes."""

import os
import signal
import subprocess
import sys
import time
import uuid
from contextlib import contextmanager, suppress

import pytest
from celery import Celery
from django.conf import settings
from django.utils import timezone
from kombu import Connection

from audit.models import Lease
from tests.harness import server

pytestmark = [pytest.mark.faults, pytest.mark.walks]
BROKERS = {
    "rabbitmq": os.environ.get("REMIT_TEST_RABBITMQ_URL", "amqp://guest:guest@127.0.0.1:5672//"),
    "redis": os.environ.get("REMIT_TEST_REDIS_URL", "redis://127.0.0.1:6379/7"),
}
OPERATOR = settings.OPERATOR_ALIAS


@contextmanager
def _celery(*arguments, **extra):
    """Run a process of Celery with the product's own settings until the block ends."""
    environment = {**os.environ, **extra, "DJANGO_SETTINGS_MODULE": "remit.settings"}
    environment["PYTHONPATH"] = f"platform{os.pathsep}."
    process = subprocess.Popen(
        [sys.executable, "-m", "celery", "--quiet", "-A", "remit", *arguments], cwd=server.ROOT, env=environment,
        stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
    )  # fmt: skip
    try:
        yield process
    finally:
        _end(process)


def _end(process):
    """Ask until it goes: Python loses an exception, and so a signal's, that is raised inside of a finalizer."""
    for _ in range(6):
        if process.poll() is None:
            process.send_signal(signal.SIGTERM)
        with suppress(subprocess.TimeoutExpired):
            process.communicate(timeout=10)
            return
    process.kill()
    process.communicate()
    pytest.fail("it did not end")


def _free(name):
    Lease.objects.using(OPERATOR).filter(name=name).delete()


def _until(condition, process, seconds=40):
    for _ in range(seconds * 10):
        if condition():
            return True
        assert process.poll() is None, process.communicate()[0]
        time.sleep(0.1)
    return False


def _ran(name, *, since):
    return lambda: Lease.objects.filter(name=name, until__gte=since, until__lte=timezone.now()).exists()


@pytest.fixture(params=BROKERS, ids=str)
def broker(request):
    """A broker and a queue of this test's own on it."""
    url, queue = BROKERS[request.param], f"remit-test-{uuid.uuid4().hex}"
    try:
        with Connection(url, connect_timeout=2) as connection:
            connection.ensure_connection(max_retries=1)
    except Exception as error:  # Whatever its client raises.
        pytest.skip(f"no {request.param}: {error}")
    yield url, queue
    with Connection(url) as connection:
        connection.SimpleQueue(queue).queue.delete()


def _send(broker, task, times=1):
    url, queue = broker
    with Celery(broker=url, set_as_current=False) as sender:
        for _ in range(times):
            sender.send_task(task, queue=queue)


def _worker(broker):
    url, queue = broker
    # A name of its own: tests run side by side, and RabbitMQ lets one worker at a time be called what it is.
    alone = ("--pool", "solo", "--without-gossip", "--without-mingle", "--hostname", f"{queue}@tests")
    return _celery("worker", *alone, "--queues", queue, REMIT_BROKER_URL=url)


def test_a_worker_takes_a_job_from_the_broker_and_does_it(world, broker):
    _free("remit.tick")
    since = timezone.now()
    with _worker(broker) as worker:
        _send(broker, "remit.tick")
        assert _until(_ran("remit.tick", since=since), worker)


def test_a_job_that_is_delivered_ten_times_is_done_and_the_worker_lives(world, broker):
    _free("audit.seal")
    since = timezone.now()
    with _worker(broker) as worker:
        _send(broker, "audit.seal", times=10)
        assert _until(_ran("audit.seal", since=since), worker)
        last = timezone.now()
        _send(broker, "remit.tick")
        assert _until(_ran("remit.tick", since=last), worker)
        assert worker.poll() is None


def test_a_task_that_nobody_knows_does_not_stop_the_queue(world, broker):
    since = timezone.now()
    with _worker(broker) as worker:
        _send(broker, "remit.no_such_task")
        _send(broker, "remit.tick")
        assert _until(_ran("remit.tick", since=since), worker)


def test_a_job_waits_in_the_broker_until_a_worker_comes(world, broker):
    since = timezone.now()
    _send(broker, "remit.tick")
    assert not _ran("remit.tick", since=since)()
    with _worker(broker) as worker:
        assert _until(_ran("remit.tick", since=since), worker)


def test_beat_alone_does_the_jobs_itself_where_there_is_no_broker(world):
    _free("audit.seal")
    since = timezone.now()
    with _celery("beat", "--pidfile", "", REMIT_BROKER_URL="") as beat:
        assert _until(_ran("audit.seal", since=since), beat)


def test_two_beats_do_no_harm(world):
    _free("audit.seal")
    since = timezone.now()
    with _celery("beat", "--pidfile", "") as one, _celery("beat", "--pidfile", "") as other:
        assert _until(_ran("audit.seal", since=since), one)
        assert _until(_ran("remit.tick", since=since), other)
        assert (one.poll(), other.poll()) == (None, None)
