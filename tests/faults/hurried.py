"""The product's own settings for a beat that looks at the keys every few seconds: its first turn comes after one."""

from remit import schedule
from remit.settings import *  # noqa: F403 - all of them

CELERY_BEAT_SCHEDULE = {
    name: {**line, "schedule": 3.0} if line["task"] == "tokens.rotate_keys" else line
    for name, line in schedule.JOBS.items()
}
