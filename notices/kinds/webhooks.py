"""The notice that a webhook was switched off by itself, to those who may switch it on again."""

from collections.abc import Iterable
from functools import partial

from django.utils import timezone
from django.utils.translation import gettext, gettext_lazy

from audit.events import Event
from audit.models import Entry
from notices.kinds.kind import Kind, Words
from notices.links import path
from notices.models import Webhook
from tenants.models import Membership
from tenants.roles import Act, may, who_may


def _keepers(entry: Entry) -> Iterable[Membership]:
    keepers = Membership.objects.filter(who_may(Act.WEBHOOKS_WRITE, now=timezone.now()))
    return keepers.filter(status=Membership.Status.ACTIVE).select_related("user")


def _switched_off(entry: Entry, member: Membership) -> Words | None:
    webhook = Webhook.objects.filter(pk=entry.about_id, on_since=None).first()
    if webhook is None:
        return None
    lines = [
        gettext("Nothing is sent to %(host)s any more: it took nothing for a day, or said that it is gone."),
        gettext("What waited for it was given up: once it answers again, switch it on, and replay what it missed."),
    ]
    facts = {"host": webhook.host}
    subject = gettext("%(host)s is told nothing any more") % facts
    return Words(subject, tuple(line % facts for line in lines), path("console-webhooks"), gettext("Webhooks"))


SWITCHED_OFF = Kind(
    name="webhook-switched-off",
    title=gettext_lazy("A webhook was switched off because it takes nothing"),
    events=frozenset({Event.WEBHOOK_SWITCHED_OFF}),
    to=_keepers,
    words=_switched_off,
    concerns=partial(may, act=Act.WEBHOOKS_WRITE),
)
