"""Refusals of this app.

JobError
├── NothingMatches    the selection is empty
├── NumberMoved       another number matches than the one that was confirmed
├── NotAtWork         the job is over, or is being stopped
├── TooLong           a list has more rows than one file takes
├── EnoughAtWork      somebody waits for as much as they may at once
├── NoFile            the job writes none, is still at it, or its file was removed after a week
└── NotGivenBack      ten minutes are over, somebody else asked for it, or it was given back before

WebhookError
├── SwitchedOff       nothing is sent to it
├── StillWaits        it is on its way already
└── TooMany           a tenant has so many and no more
"""


class JobError(Exception):
    """An expected no."""


class NothingMatches(JobError):
    """Nothing matches, so that nothing was done."""


class NumberMoved(JobError):
    """Carries the number that matches now."""

    def __init__(self, number: int) -> None:
        self.number = number
        super().__init__(f"{number} match now")


class NotAtWork(JobError):
    """This work is over, or is being stopped."""


class NotGivenBack(JobError):
    """It is given back once, within ten minutes, when it is over, and by the person who asked for it."""


class WebhookError(Exception):
    """An expected no. What a person said that cannot hold is `tenants.errors.Unusable`."""


class SwitchedOff(WebhookError):
    """This webhook is switched off. Switch it on first."""


class StillWaits(WebhookError):
    """This event is on its way already."""


class TooMany(WebhookError):
    """A tenant has twenty webhooks at most. Remove one first."""


class NoFile(JobError):
    """There is no file: this work writes none, is still at it, or it was removed after seven days."""


class EnoughAtWork(JobError):
    """Five files and checks that you asked for are under way. Wait until one is done, or stop one."""


class TooLong(JobError):
    """More than 200,000 rows match. Narrow the list, and have it in parts."""
