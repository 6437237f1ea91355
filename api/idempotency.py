"""The same request twice has one effect: whatever writes and says an Idempotency-Key.

Who asks first takes the key, by a unique row that is there before anything is done. What is done and the answer to it
are one transaction; so a process that dies in between leaves a key that can be taken over, and nothing that was done.
Refusals are not kept: whoever was refused corrects the request, and asks again.
"""

import hashlib
import json
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

from django.conf import settings
from django.db import IntegrityError, transaction
from django.db.models import QuerySet
from django.utils import timezone
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.utils.encoders import JSONEncoder

from api.errors import InFlight, KeyReused, UnreadableQuery
from api.models import KeptAnswer
from kit import opaque, sealing
from tenants import clock
from tokens.bearer import Bearer

HEADER, LIFE = "Idempotency-Key", timedelta(hours=24)
LEFT_BEHIND = timedelta(seconds=60)
"""After that long nobody is answering any more: whoever took the key died."""
_KEPT_HEADERS = ("ETag", "Cache-Control", "Location")
_MOST = 255
View = Callable[..., Response]


def once(view: View, request: Request) -> View:
    """Return the view as it answers a request that says a key: by what it did before, or by doing it once."""
    key = request.headers.get(HEADER)
    if key is None:
        return view

    def answered(*args: Any, **kwargs: Any) -> Response:
        taken = _take(request, key, now=timezone.now())
        if taken.status is not None:
            return _again(taken)
        try:
            with transaction.atomic():
                response = view(*args, **kwargs)
                _keep(taken, response)
        except BaseException:
            _release(taken)
            raise
        return response

    return answered


def forget_due(now: datetime) -> int:
    """Remove the answers that are a day old."""
    return clock.forget(over(now))


def over(now: datetime) -> "QuerySet[KeptAnswer]":
    return KeptAnswer.objects.filter(expires_at__lt=now).order_by("expires_at")


def _take(request: Request, key: str, *, now: datetime) -> KeptAnswer:
    """Return the row of a key: taken by this request, or answered before. Raises KeyReused, InFlight."""
    if not 1 <= len(key) <= _MOST or not key.isascii() or not key.isprintable():
        raise UnreadableQuery(f"{HEADER} is 1 to {_MOST} printable characters.")
    caller, asked = _caller(request), _digest(request)
    named = {"caller": caller, "key": opaque.digest(key)}
    fresh = {"request": asked, "taken_at": now, "expires_at": now + LIFE}
    KeptAnswer.objects.filter(**named, expires_at__lte=now).delete()
    try:
        with transaction.atomic():
            return KeptAnswer.objects.create(**named, **fresh)
    except IntegrityError:
        found = KeptAnswer.objects.filter(**named).first()
    if found is None:
        raise InFlight("Whoever was first was refused just now. Ask again.")
    if found.request != asked:
        raise KeyReused(f"The {HEADER} stands for another request of the last 24 hours. Make a new one.")
    if found.status is None and not _take_over(found, now):
        raise InFlight("The first request of this key is not answered yet. Ask again in a moment.")
    return found


def _take_over(found: KeptAnswer, now: datetime) -> bool:
    left = KeptAnswer.objects.filter(pk=found.pk, status=None, taken_at=found.taken_at)
    if found.taken_at >= now - LEFT_BEHIND or not left.update(taken_at=now):
        return False
    found.taken_at = now
    return True


def _keep(taken: KeptAnswer, response: Response) -> None:
    body = json.dumps(response.data, cls=JSONEncoder).encode()
    headers = {name: response.headers[name] for name in _KEPT_HEADERS if name in response.headers}
    sealed = sealing.seal(body, settings.SEALING_KEYS)
    answer = {"status": response.status_code, "headers": headers, "sealed": sealed}
    if not _mine(taken).update(**answer):
        raise InFlight("Another request took this key over. Ask again in a moment.")


def _release(taken: KeptAnswer) -> None:
    _mine(taken).delete()


def _mine(taken: KeptAnswer) -> "QuerySet[KeptAnswer]":
    """Return the row as long as this request has it: whoever was too slow for it is taken over, and undone."""
    return KeptAnswer.objects.filter(pk=taken.pk, status=None, taken_at=taken.taken_at)


def _again(kept: KeptAnswer) -> Response:
    body = json.loads(sealing.unseal(kept.sealed, settings.SEALING_KEYS))
    return Response(body, status=kept.status, headers={**kept.headers, "Idempotency-Replayed": "true"})


def _caller(request: Request) -> str:
    """Return who asks: a person or an agent, through a client."""
    assert isinstance(request.auth, Bearer)
    return f"{request.auth.token.subject} {request.auth.token.client_id}"


def _digest(request: Request) -> str:
    asked = [request.method, request.get_full_path(), request.headers.get("If-Match", ""), request.data]
    return hashlib.sha256(json.dumps(asked, sort_keys=True).encode()).hexdigest()
