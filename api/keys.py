"""Signing keys: for people who look after the tenant, through an app. Private parts are nowhere in it."""

from collections.abc import Mapping
from typing import Any

from django.shortcuts import get_object_or_404
from django.utils import timezone
from django.utils.functional import cached_property
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from api.door import Door, said
from api.fresh import check_fresh
from api.keepers import by
from api.listing import Listing
from api.told import FIELDS, Told
from tenants.roles import Act
from tokens import emergency, fetchers, rotating, signed, summaries, timeline
from tokens.filters import KeyFilter
from tokens.keys import ALGORITHMS, PUBLISHED
from tokens.models import KeyFetch, SigningKey
from tokens.signed import Share

READ, WRITE = "keys:read", "keys:write"


class KeySerializer(Told, serializers.ModelSerializer[SigningKey]):
    """`good_tokens` are the access tokens that are good now and that it signed, of the newest ten thousand."""

    good_tokens = serializers.SerializerMethodField()

    class Meta:
        model = SigningKey
        fields = [
            "id", "kid", "algorithm", "status", "public", "created_at", "activate_at", "retire_at", "destroy_at",
            "good_tokens", *FIELDS,
        ]  # fmt: skip

    def get_good_tokens(self, key: SigningKey) -> int:
        share = self._shares.get(key.kid)
        return share.tokens if share else 0

    @cached_property
    def _shares(self) -> Mapping[str, Share]:
        return signed.shares(timezone.now())  # Once for all that are written together.

    def get_summary(self, row: SigningKey) -> str:
        return summaries.key(row)

    def page(self, row: SigningKey) -> str:
        return "keys"


class FetchSerializer(serializers.ModelSerializer[KeyFetch]):
    class Meta:
        model = KeyFetch
        fields = ["id", "program", "network", "first_at", "last_at", "longest_pause"]


class Rotation(serializers.Serializer[Any]):
    """With `dry_run` nothing happens, and the answer says from when the next key may sign (`ready_at`), how many
    programs fetch keys, which of them have not got it, and how many good tokens the key in its place signed.
    """

    algorithm = serializers.ChoiceField(choices=ALGORITHMS)
    reason = serializers.CharField(max_length=500, required=False, allow_blank=True, default="")
    dry_run = serializers.BooleanField(required=False, default=False)


class Leak(serializers.Serializer[Any]):
    reason = serializers.CharField(max_length=500)
    dry_run = serializers.BooleanField(default=False)


class Ended(serializers.Serializer[Any]):
    """What ends, and until when a server that checks by itself may believe what a thief writes."""

    class AtResource(serializers.Serializer[Any]):
        resource = serializers.CharField()
        checks = serializers.CharField()
        tokens = serializers.IntegerField()

    key = serializers.CharField()
    kid = serializers.CharField()
    algorithm = serializers.CharField()
    state = serializers.CharField()
    at = serializers.DateTimeField()
    replaced_by = serializers.CharField(allow_blank=True)
    access_tokens_ended = serializers.IntegerField()
    tokens = AtResource(many=True)
    accepted_until = serializers.DateTimeField()
    time_to_zero = serializers.IntegerField()
    dry_run = serializers.BooleanField()


class _Keys(Door):
    scopes = {"GET": READ, "POST": WRITE}
    acts = {"GET": Act.KEYS_READ, "POST": Act.KEYS_WRITE}


class Keys(_Keys):
    http_method_names = ["get", "head", "options"]
    listing = Listing("keys", KeySerializer, filter=KeyFilter)
    answers = {"GET": listing}

    def get(self, request: Request) -> Response:
        return self.listing.answer(request, SigningKey.objects.all())


class OneKey(_Keys):
    http_method_names = ["get", "head", "options"]
    answers = {"GET": KeySerializer}

    def get(self, request: Request, key_id: str) -> Response:
        return Response(KeySerializer(get_object_or_404(SigningKey, pk=key_id)).data)


class Fetches(_Keys):
    """Who fetched the key set, coarsely: who came after a key was published has it."""

    http_method_names = ["get", "head", "options"]
    listing = Listing("fetches", FetchSerializer)
    answers = {"GET": listing}

    def get(self, request: Request) -> Response:
        return self.listing.answer(request, fetchers.seen(timezone.now()))


class Timeline(_Keys):
    """What the clock will do by the policy as it is now: the key that signs, the next one, and the one after it."""

    class Ahead(serializers.Serializer[Any]):
        class Life(serializers.Serializer[Any]):
            algorithm = serializers.CharField()
            kid = serializers.CharField(help_text="Empty where it is not made yet.")
            published_at = serializers.DateTimeField()
            signs_at = serializers.DateTimeField()
            retires_at = serializers.DateTimeField(help_text="From then on it verifies only.")
            gone_at = serializers.DateTimeField()

        timeline = Life(many=True)

    http_method_names = ["get", "head", "options"]
    answers = {"GET": Ahead}

    def get(self, request: Request) -> Response:
        published = SigningKey.objects.filter(status__in=PUBLISHED)
        return Response(self.Ahead({"timeline": timeline.ahead(published, now=timezone.now())}).data)


class Rotate(_Keys):
    """Let the next key sign from now on; 409 with `ready_at` while somebody may not have it."""

    http_method_names = ["post", "options"]
    reads = {"POST": Rotation}
    answers = {"POST": KeySerializer}

    def post(self, request: Request) -> Response:
        asked, now = said(Rotation(data=request.data)), timezone.now()
        if asked["dry_run"]:
            return Response({"dry_run": True, **rotating.foresee(asked["algorithm"], now=now).as_json()})
        made = rotating.rotate(asked["algorithm"], now=now, by=by(request), reason=asked["reason"])
        return Response(KeySerializer(made).data)


class Compromise(_Keys):
    """A key leaked: end it and all that it signed. `dry_run` says what that would end."""

    http_method_names = ["post", "options"]
    reads = {"POST": Leak}
    answers = {"POST": Ended}

    def post(self, request: Request, key_id: str) -> Response:
        key, asked = get_object_or_404(SigningKey, pk=key_id), said(Leak(data=request.data))
        now = timezone.now()
        if asked["dry_run"]:
            receipt = emergency.foresee(key, now=now)
        else:
            check_fresh(request)
            receipt = emergency.compromise(key, now=now, by=by(request), reason=asked["reason"])
        return Response({**receipt.as_json(), "dry_run": asked["dry_run"]})
