"""A notice as mail: text first, HTML in the same words, one link that opens a page; nothing in it acts by itself."""

from email.utils import formataddr, parseaddr
from urllib.parse import urlsplit

from django.conf import settings
from django.core.mail import EmailMultiAlternatives
from django.core.mail.backends.base import BaseEmailBackend
from django.template.loader import render_to_string
from django.utils.translation import get_language

from notices import kinds, links
from notices.kinds import Words
from notices.models import Notice

MAX_SUBJECT = 150


def message(notice: Notice, words: Words, connection: BaseEmailBackend) -> EmailMultiAlternatives:
    """Return the mail of a notice. It has the same Message-ID whenever it is made."""
    tenant, member = notice.tenant, notice.recipient
    choose, subject = links.full(tenant, links.path("my-notices")), _one_line(words.subject)[:MAX_SUBJECT]
    content = {
        "lines": [_one_line(line) for line in words.lines],
        "link": links.full(tenant, words.link),
        "link_words": words.link_words,
        "tenant_name": tenant.name,
        "kind_title": kinds.REGISTRY[notice.kind].title,
        "choose": choose,
        "subject": subject,
    }
    made = EmailMultiAlternatives(
        subject,
        render_to_string("email/notice.txt", content),
        formataddr((_one_line(tenant.name), parseaddr(settings.DEFAULT_FROM_EMAIL)[1])),
        [member.email],
        connection=connection,
        headers={
            "Message-ID": f"<{notice.pk}@{urlsplit(settings.PUBLIC_ORIGIN).hostname}>",
            "List-Unsubscribe": f"<{choose}>",
            "Auto-Submitted": "auto-generated",
            "Content-Language": get_language() or settings.LANGUAGE_CODE,
        },
    )
    made.attach_alternative(render_to_string("email/notice.html", content), "text/html")
    return made


def _one_line(text: str) -> str:
    """Return a text without what does not show: names of strangers stand in it, and in a header."""
    return " ".join("".join(each if each.isprintable() else " " for each in text).split())
