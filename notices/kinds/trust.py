"""The notice that an issuer's keys were swapped, to those who say whom the organisation believes."""

from collections.abc import Iterable
from functools import partial

from django.utils import timezone
from django.utils.translation import gettext, gettext_lazy

from audit.events import Event
from audit.models import Entry
from notices.kinds.kind import Kind, Words
from notices.links import path
from tenants.models import Membership
from tenants.roles import Act, may, who_may
from trust.models import TrustedIssuer


def _keepers(entry: Entry) -> Iterable[Membership]:
    keepers = Membership.objects.filter(who_may(Act.TRUST_WRITE, now=timezone.now()))
    return keepers.filter(status=Membership.Status.ACTIVE).select_related("user")


def _swapped(entry: Entry, member: Membership) -> Words | None:
    issuer = TrustedIssuer.objects.filter(pk=entry.about_id, removed_at=None, keys_swapped_at__isnull=False).first()
    if issuer is None:
        return None
    facts = {"issuer": issuer.name, "identifier": issuer.issuer}
    lines = [
        gettext("%(issuer)s (%(identifier)s) publishes keys that none of those before vouches for."),
        gettext("Whoever has them can say who somebody is, and for whom agents act: they are believed already."),
        gettext("Ask there whether they changed them all at once. If they did not, switch it off on that page."),
    ]
    subject = gettext("The keys of %(issuer)s were swapped") % facts
    page, words = path("console-issuer", issuer.pk), gettext("Look at its keys")
    return Words(subject, tuple(line % facts for line in lines), page, words)


KEYS_SWAPPED = Kind(
    name="issuer-keys-swapped",
    title=gettext_lazy("The keys of an issuer were swapped, all at once or under a name they had"),
    events=frozenset({Event.ISSUER_KEYS_SWAPPED}),
    to=_keepers,
    words=_swapped,
    concerns=partial(may, act=Act.TRUST_WRITE),
)
