"""What an agent is for, in the words of whoever looks after it: one paragraph, which shows whole."""

from django.utils.translation import gettext as _

from agents.errors import Unusable
from agents.registration import metadata

MOST = 500
"""Characters."""


def kept(text: object) -> str:
    """Return a purpose as it is kept, "" where nothing is said; raises Unusable for one too long or not all shown."""
    words = metadata.one_line(str(text or ""))
    if len(words) > MOST or not metadata.shows(words):
        raise Unusable(_("What it is for takes up to %(most)s characters that all show.") % {"most": MOST})
    return words
