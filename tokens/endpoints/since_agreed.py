"""What a person should know before they agree again: what an agent says of itself now and did not when they agreed.

It is compared with what their last consent kept of the page, word for word. What stands on no page (further return
addresses, links, keys) is one sentence.
"""

from collections.abc import Iterable, Iterator

from django.utils.translation import gettext, gettext_lazy

from delegations.models import Consent, Delegation
from tokens.asking import Asked

ELSE = gettext_lazy("Something else that it says of itself changed: a return address, a link or its keys.")


def changed(asked: Asked, live: Iterable[Delegation], *, host: str) -> tuple[str, ...]:
    """Return sentences, none where nothing changed or nothing is allowed that was agreed to."""
    agreed = max((each.consent for each in live if each.consent), key=lambda each: each.created_at, default=None)
    if agreed is None:
        return ()
    found = tuple(_visible(asked, agreed, host))
    is_other = agreed.client_digest != asked.client.digest
    return found or ((str(ELSE),) if is_other else ())


def _visible(asked: Asked, agreed: Consent, host: str) -> Iterator[str]:
    shown = agreed.shown
    if shown.get("agent_name") != asked.client.name:
        yield gettext("It was called %(name)s.") % {"name": shown.get("agent_name")}
    if shown.get("client_host") != host:
        yield gettext("It came from %(host)s.") % {"host": shown.get("client_host") or gettext("nowhere that it named")}
    # An answer that a device fetched, or fetches now, returns to no address.
    if "" not in {agreed.redirect_host, asked.redirect_host} and agreed.redirect_host != asked.redirect_host:
        yield gettext("You returned to %(host)s.") % {
            "host": agreed.redirect_host.partition("://")[2] or agreed.redirect_host
        }
    if shown.get("is_verified") and not asked.client.is_verified:
        yield gettext("It proved itself by a key, and no longer does.")
