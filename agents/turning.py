"""The clock of credentials that follow each other: what has gone on for its days beside the next one ends."""

from datetime import datetime

from agents import credentials, overlaps
from agents.errors import LastWayIn, NotActive, Unusable
from agents.models import Agent, Client, CredentialStory
from audit.principals import SYSTEM

BATCH = 500
FOLLOWED = "what follows it is in use for {days} days"


def end_due(now: datetime) -> int:
    """Retire credentials whose days are over; return how many. The last way in is never taken by the clock."""
    waiting = CredentialStory.objects.filter(overlap_days__isnull=False).values("client").distinct()
    # Of an agent that was ended nothing is touched: it may come back within its days, and is no way in until then.
    living = Client.objects.filter(pk__in=waiting, status=Client.Status.ACTIVE).exclude(
        agent__status=Agent.Status.RETIRED
    )
    ended, last = 0, ""
    # All of them: most wait for a first use that may never come, and would stand before the others for ever.
    while clients := list(living.filter(pk__gt=last).order_by("pk")[:BATCH]):
        known, last = overlaps.stories(clients), clients[-1].pk
        ended += sum(
            _end(client, story)
            for client in clients
            for story in known[client.pk].values()
            if (at := overlaps.ends_at(story, known[client.pk])) is not None and at <= now
        )
    return ended


def _end(client: Client, story: CredentialStory) -> int:
    reason = FOLLOWED.format(days=story.overlap_days)
    try:
        if all(each.id != story.successor for each in credentials.of(client)):
            raise NotActive(story.successor)  # It went with its set of keys, which a client says anew as a whole.
        credentials.retire(client, story.credential, by=SYSTEM, reason=reason)
    except (LastWayIn, NotActive, Unusable):
        # What follows it is no way in any more, or it is gone itself: nothing is left to count.
        CredentialStory.objects.filter(pk=story.pk).update(successor="", overlap_days=None)
        return 0
    return 1
