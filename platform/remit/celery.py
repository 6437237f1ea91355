"""The clock: Celery, with jobs that the database drives. Without a broker, beat runs them itself."""

import os

from celery import Celery
from celery.signals import beat_init, worker_init

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "remit.settings")
app = Celery("remit")
app.config_from_object("django.conf:settings", namespace="CELERY")
app.autodiscover_tasks()


@beat_init.connect  # type: ignore[untyped-decorator]  # Celery carries no types.
@worker_init.connect  # type: ignore[untyped-decorator]  # Celery carries no types.
def _refuse_unsafe_start(**kwargs: object) -> None:
    from remit.checks import refuse_unsafe_start  # Needs loaded apps.

    refuse_unsafe_start()
