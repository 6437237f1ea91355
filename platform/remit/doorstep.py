"""`/t/`: before any tenant, which ones a browser is signed in to, and where else those people have a place.

A session is one tenant's (docs/decisions/0006-a-session-per-tenant.md), and its cookie has the path `/`: so all of them
come here, and each is asked as its own tenant would ask it. Nothing is opened by that: each link leads to a tenant,
which has a session of this person or asks them to sign in.
"""

from collections.abc import Iterator

from django.conf import settings
from django.contrib.auth import get_user
from django.contrib.sessions.backends.db import SessionStore
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from console import switcher
from kit import context
from remit.sessions import TENANT_KEY
from tenants import directory
from tenants.models import Membership

MOST = 20
"""Sessions that are looked at: a browser may send any number of cookies."""


@never_cache
@require_safe
def view(request: HttpRequest) -> HttpResponse:
    found = {place.url: place for member in _signed_in(request) for place in _places(member)}
    places = sorted(found.values(), key=lambda place: place.name.lower())
    return render(request, "tenants.html", {"places": places})


@require_safe
def without_slash(request: HttpRequest) -> HttpResponse:
    return redirect("tenants", permanent=True)


def _signed_in(request: HttpRequest) -> Iterator[Membership]:
    """Give the members whose sessions the browser holds, and that are good."""
    prefix = f"{settings.SESSION_COOKIE_NAME}-"
    sent = [(name.removeprefix(prefix), key) for name, key in request.COOKIES.items() if name.startswith(prefix)]
    for slug, key in sent[:MOST]:
        tenant = directory.tenant_by_slug(slug)
        if tenant is None:
            continue
        with context.use(tenant):
            asked = HttpRequest()
            asked.session = SessionStore(key)
            if asked.session.get(TENANT_KEY) != tenant.pk:
                continue
            user, here = get_user(asked), Membership.objects.select_related("user", "tenant")
            active = here.filter(status=Membership.Status.ACTIVE, user__is_active=True)
            member = active.filter(user=user.pk).first() if user.is_authenticated else None
        if member is not None:
            yield member


def _places(member: Membership) -> list[switcher.Place]:
    with context.use(member.tenant):
        return switcher.of(member, at_least=1)
