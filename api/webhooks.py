"""Webhooks over REST: who else is told what happens, with which secret, and what became of each delivery.

A secret is shown in the answer to the request that made it, and nowhere else.
"""

from typing import Any

from django.shortcuts import get_object_or_404
from django.utils import timezone
from rest_framework import serializers, status
from rest_framework.request import Request
from rest_framework.response import Response

from api import versions
from api.door import Door, said
from api.keepers import by
from api.listing import Listing
from notices.models import Delivery, Webhook
from notices.webhooks import actions
from notices.webhooks.filters import DeliveryFilter
from tenants.roles import Act

READ, WRITE = "webhooks:read", "webhooks:write"
ONCE = {"Cache-Control": "no-store"}


class WebhookSerializer(serializers.ModelSerializer[Webhook]):
    """`events` are names of events, families of them (`agent.*`), or `delegation.changed`. `failures` are tries in a
    row that failed.
    """

    is_on = serializers.BooleanField(required=False)
    events = serializers.ListField(child=serializers.CharField(max_length=60), max_length=100)
    url = serializers.CharField(max_length=2000, help_text="A plain https URL with a public host name.")

    class Meta:
        model = Webhook
        fields = [
            "id", "url", "description", "events", "is_on",
            "failures", "failing_since", "old_secret_until", "created_at",
        ]  # fmt: skip
        read_only_fields = ["id", "failures", "failing_since", "old_secret_until", "created_at"]


class WithSecret(WebhookSerializer):
    """`secret` signs what is sent (Standard Webhooks); it is shown this once."""

    secret = serializers.CharField(read_only=True)

    class Meta(WebhookSerializer.Meta):
        fields = [*WebhookSerializer.Meta.fields, "secret"]


class NewSecret(serializers.Serializer[Any]):
    """For how many hours the secret before this one signs as well; 0 where it leaked."""

    keep_hours = serializers.IntegerField(
        required=False, default=actions.USUAL_HOURS, min_value=0, max_value=actions.MOST_HOURS
    )


class TrySerializer(serializers.Serializer[Any]):
    """`status` is 0 where nobody answered in time."""

    at = serializers.DateTimeField()
    status = serializers.IntegerField()
    milliseconds = serializers.IntegerField()


class DeliverySerializer(serializers.ModelSerializer[Delivery]):
    """`event_id` is the `webhook-id` of every try, and the event's id in `/events`; `tries` are the last twenty."""

    event_id = serializers.CharField(source="entry_id")
    tries = TrySerializer(many=True)

    class Meta:
        model = Delivery
        fields = ["id", "event_id", "event", "state", "attempts", "tries", "next_try_at", "created_at"]


class _Webhooks(Door):
    scopes = {"GET": READ, "POST": WRITE, "PATCH": WRITE, "DELETE": WRITE}
    acts = {"GET": Act.WEBHOOKS_READ, **dict.fromkeys(("POST", "PATCH", "DELETE"), Act.WEBHOOKS_WRITE)}


class Webhooks(_Webhooks):
    made = True
    http_method_names = ["get", "post", "head", "options"]
    listing = Listing("webhooks", WebhookSerializer)
    reads = {"POST": WebhookSerializer}
    answers = {"GET": listing, "POST": WithSecret}

    def get(self, request: Request) -> Response:
        return self.listing.answer(request, Webhook.objects.all())

    def post(self, request: Request) -> Response:
        words = said(WebhookSerializer(data=request.data))
        if words.pop("is_on", True) is False:
            raise serializers.ValidationError({"is_on": ["A webhook begins switched on."]})
        made, secret = actions.add_webhook(words.pop("url"), words.pop("events"), by=by(request), **words)
        return _shown(made, secret, code=status.HTTP_201_CREATED)


class OneWebhook(_Webhooks):
    http_method_names = ["get", "patch", "delete", "head", "options"]
    reads = {"PATCH": WebhookSerializer}
    answers = {"GET": WebhookSerializer, "PATCH": WebhookSerializer}

    def get(self, request: Request, webhook_id: str) -> Response:
        return _answer(_webhook(webhook_id))

    def patch(self, request: Request, webhook_id: str) -> Response:
        webhook = _webhook(webhook_id)
        words = said(WebhookSerializer(webhook, data=request.data, partial=True))
        return _answer(actions.change_webhook(webhook, by=by(request), version=versions.read_by(request), **words))

    def delete(self, request: Request, webhook_id: str) -> Response:
        actions.remove_webhook(_webhook(webhook_id), by=by(request))
        return Response(status=status.HTTP_204_NO_CONTENT)


class RotateSecret(_Webhooks):
    http_method_names = ["post", "options"]
    reads = {"POST": NewSecret}
    answers = {"POST": WithSecret}

    def post(self, request: Request, webhook_id: str) -> Response:
        webhook, words = _webhook(webhook_id), said(NewSecret(data=request.data))
        version = versions.read_by(request)
        return _shown(*actions.change_secret(webhook, by=by(request), version=version, **words))


class Ping(_Webhooks):
    """Have an event sent that says nothing, `webhook.pinged`, and follow what becomes of it."""

    made = True
    http_method_names = ["post", "options"]
    answers = {"POST": DeliverySerializer}

    def post(self, request: Request, webhook_id: str) -> Response:
        made = actions.ping(_webhook(webhook_id), by=by(request), now=timezone.now())
        return Response(DeliverySerializer(made).data, status=status.HTTP_201_CREATED)


class Deliveries(_Webhooks):
    http_method_names = ["get", "head", "options"]
    listing = Listing("deliveries", DeliverySerializer, DeliveryFilter)
    answers = {"GET": listing}

    def get(self, request: Request, webhook_id: str) -> Response:
        return self.listing.answer(request, Delivery.objects.filter(webhook=_webhook(webhook_id)))


class OneDelivery(_Webhooks):
    http_method_names = ["get", "head", "options"]
    answers = {"GET": DeliverySerializer}

    def get(self, request: Request, webhook_id: str, delivery_id: str) -> Response:
        return Response(DeliverySerializer(_delivery(webhook_id, delivery_id)).data)


class Replay(_Webhooks):
    """Send an event once more, under the same `webhook-id`: whoever took it before leaves it."""

    http_method_names = ["post", "options"]
    answers = {"POST": DeliverySerializer}

    def post(self, request: Request, webhook_id: str, delivery_id: str) -> Response:
        again = actions.replay(_delivery(webhook_id, delivery_id), by=by(request), now=timezone.now())
        return Response(DeliverySerializer(again).data)


def _webhook(webhook_id: str) -> Webhook:
    return get_object_or_404(Webhook, pk=webhook_id)


def _delivery(webhook_id: str, delivery_id: str) -> Delivery:
    return get_object_or_404(Delivery.objects.select_related("webhook"), webhook=webhook_id, pk=delivery_id)


def _answer(webhook: Webhook) -> Response:
    return Response(WebhookSerializer(webhook).data, headers=versions.tag(webhook.version))


def _shown(webhook: Webhook, secret: str, *, code: int = status.HTTP_200_OK) -> Response:
    content = {**WebhookSerializer(webhook).data, "secret": secret}
    return Response(content, status=code, headers={**versions.tag(webhook.version), **ONCE})
