"""The product's own settings for a worker that gives up a job after seconds."""

from remit.settings import *  # noqa: F403 - all of them

CELERY_TASK_ANNOTATIONS = {"notices.work": {"soft_time_limit": 15, "time_limit": 20}}
