"""The clock: Celery, with jobs that the database drives. Without a broker, beat runs them itself."""

import os

from celery import Celery
from celery.signals import beat_init, task_unknown, worker_init

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "remit.settings")
app = Celery("remit", task_cls="audit.jobs:Job")
# Of every thread: by itself an app is current in the one thread that made it, and jobs of others would go elsewhere.
app.set_default()
app.config_from_object("django.conf:settings", namespace="CELERY")
app.autodiscover_tasks()


@beat_init.connect  # type: ignore[untyped-decorator]  # Celery carries no types.
@worker_init.connect  # type: ignore[untyped-decorator]  # Celery carries no types.
def _refuse_unsafe_start(**kwargs: object) -> None:
    from remit.checks import refuse_unsafe_start  # Needs loaded apps.

    refuse_unsafe_start()


@task_unknown.connect  # type: ignore[untyped-decorator]  # Celery carries no types.
def _keep_unknown(name: str = "", exc: BaseException | None = None, **kwargs: object) -> None:
    """Let operators know of a message that nobody here can do; the queue moves on."""
    from audit import letters  # Needs loaded apps.

    letters.keep(f"unknown: {name}", exc or LookupError(name))
