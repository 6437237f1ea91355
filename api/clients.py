"""The clients of an agent, for people who look after it: how it speaks OAuth, and which grants it was given.

Words are those of RFC 7591. A secret is shown once.
"""

from typing import Any

from django.db import transaction
from django.db.models import QuerySet
from django.shortcuts import get_object_or_404
from django.utils import timezone
from rest_framework import serializers, status
from rest_framework.request import Request
from rest_framework.response import Response

from agents import clients, rules, switches
from agents.models import Agent, Client
from agents.registration.metadata import CALLBACK
from api import versions
from api.door import Door, said
from api.fresh import check_fresh
from api.keepers import by, voices
from api.listing import Listing
from api.narrowing import asks_for, check_words
from tenants.roles import Act
from tokens import impact, stops

READ, WRITE = "clients:read", "clients:write"
GONE = "taken away by an admin"
_NO_STORE = {"Cache-Control": "no-store"}


class ClientSerializer(serializers.ModelSerializer[Client]):
    client_name = serializers.CharField(source="name")
    token_endpoint_auth_method = serializers.CharField(source="auth_method")
    registered = serializers.CharField(source="registration_source")
    agent = serializers.CharField(source="agent_id")
    client_uri = serializers.SerializerMethodField()
    logo_uri = serializers.SerializerMethodField()
    deferred_client_notification_endpoint = serializers.SerializerMethodField()
    created_at = serializers.DateTimeField(source="created")
    digest = serializers.CharField(help_text="SHA-256 of what people agree to: whoever allowed another is asked anew.")

    class Meta:
        model = Client
        fields = [
            "id", "client_id", "client_name", "agent", "status", "registered", "token_endpoint_auth_method",
            "client_uri", "logo_uri", "redirect_uris", "grant_types", "given_grants", "jwks_uri", "exchange_actor",
            "accepts_endpoint_audience", "deferred_client_notification_endpoint", "created_at",
            "digest",
        ]  # fmt: skip

    def get_client_uri(self, client: Client) -> str:
        return str(client.metadata.get("client_uri", ""))

    def get_logo_uri(self, client: Client) -> str:
        return str(client.metadata.get("logo_uri", ""))

    def get_deferred_client_notification_endpoint(self, client: Client) -> str:
        return str(client.metadata.get(CALLBACK, ""))


class Metadata(serializers.Serializer[Any]):
    """What an admin says of a client; of it `jwks` and `client_id` once, when it is made."""

    client_id = serializers.CharField(max_length=255, required=False)
    client_name = serializers.CharField(max_length=100, required=False)
    redirect_uris = serializers.ListField(child=serializers.CharField(max_length=2000), required=False)
    grant_types = serializers.ListField(child=serializers.CharField(max_length=100), required=False)
    token_endpoint_auth_method = serializers.CharField(max_length=32, required=False)
    jwks = serializers.DictField(required=False)
    jwks_uri = serializers.CharField(max_length=2000, required=False, allow_blank=True)
    client_uri = serializers.CharField(max_length=2000, required=False, allow_blank=True)
    logo_uri = serializers.CharField(max_length=2000, required=False, allow_blank=True)
    deferred_client_notification_endpoint = serializers.CharField(max_length=2000, required=False, allow_blank=True)


class Switched(serializers.Serializer[Any]):
    """What weakens something: who is the actor of what it exchanges, and for whom and how long its assertions count."""

    exchange_actor = serializers.ChoiceField(Client.ExchangeActor.choices, required=False)
    accepts_endpoint_audience = serializers.BooleanField(required=False)


class Grants(serializers.Serializer[Any]):
    """All grants that a client has beyond what it says of itself."""

    grant_types = serializers.ListField(child=serializers.CharField(max_length=100))


class _Clients(Door):
    scopes = {"GET": READ, "POST": WRITE, "PATCH": WRITE, "PUT": WRITE, "DELETE": WRITE}
    acts = {
        "GET": Act.CLIENTS_READ,
        "POST": Act.CLIENTS_WRITE,
        "PATCH": Act.CLIENTS_WRITE,
        "PUT": Act.CLIENTS_WRITE,
        "DELETE": Act.CLIENTS_WRITE,
    }


class Clients(_Clients):
    http_method_names = ["get", "post", "head", "options"]
    listing = Listing("clients", ClientSerializer)
    answers = {"GET": listing, "POST": ClientSerializer}
    reads = {"POST": Metadata}

    def get(self, request: Request, agent_id: str) -> Response:
        return self.listing.answer(request, _of(agent_id))

    def post(self, request: Request, agent_id: str) -> Response:
        agent, words = get_object_or_404(Agent, pk=agent_id), said(Metadata(data=request.data))
        made, secret = clients.add_client(agent, words, by=by(request), client_id=words.pop("client_id", ""))
        return _answer(made, secret, status.HTTP_201_CREATED)


class OneClient(_Clients):
    """With `dry_run=true` nothing is taken away, and the answer says what would end with it.

    What is said and was so already writes nothing, and its version stays.
    """

    http_method_names = ["get", "patch", "delete", "head", "options"]
    answers = {"GET": ClientSerializer, "PATCH": ClientSerializer}
    reads = {"PATCH": Metadata}

    def get(self, request: Request, agent_id: str, client_id: str) -> Response:
        return _answer(one(agent_id, client_id))

    def patch(self, request: Request, agent_id: str, client_id: str) -> Response:
        words = said(Metadata(data=request.data, partial=True))
        if fixed := sorted({"client_id", "jwks"} & words.keys()):
            raise serializers.ValidationError({fixed[0]: ["It is said once. Keys come and go as credentials."]})
        client, version = one(agent_id, client_id), versions.read_by(request)
        return _answer(*clients.change_client(client, words, by=by(request), version=version))

    def delete(self, request: Request, agent_id: str, client_id: str) -> Response:
        check_words(request, frozenset({"dry_run"}))
        client = one(agent_id, client_id)
        if asks_for(request, "dry_run"):
            return Response({"dry_run": True, **impact.of_client(client, now=timezone.now()).as_json(agents="agents")})
        stops.remove_client(client, by=by(request), reason=GONE, version=versions.read_by(request))
        return Response(status=status.HTTP_204_NO_CONTENT)


class PutBack(_Clients):
    """Takes back what was said of it last: whoever said it, within ten minutes, as long as nothing changed since.

    How it proves itself does not come back that way: what was replaced is gone.
    """

    http_method_names = ["post", "options"]
    answers = {"POST": ClientSerializer}

    def post(self, request: Request, agent_id: str, client_id: str) -> Response:
        check_words(request, frozenset())
        client, version = one(agent_id, client_id), versions.read_by(request)
        return _answer(clients.put_back_client(client, by=by(request), version=version))


class GivenGrants(_Clients):
    """Grants that nobody registers by themselves, as an admin gives them: also to clients that came by themselves."""

    http_method_names = ["put", "options"]
    answers = {"PUT": ClientSerializer}
    reads = {"PUT": Grants}

    def put(self, request: Request, agent_id: str, client_id: str) -> Response:
        words, client = said(Grants(data=request.data)), one(agent_id, client_id)
        version = versions.read_by(request)
        return _answer(clients.give_grants(client, words["grant_types"], by=by(request), version=version))


class Switches(_Clients):
    """`exchange_actor`: `none` lets it appear as the person. `accepts_endpoint_audience`: assertions of an hour.

    Whoever says it has signed in minutes ago, where they have a factor, and not through this agent.
    """

    http_method_names = ["patch", "options"]
    answers = {"PATCH": ClientSerializer}
    reads = {"PATCH": Switched}

    def patch(self, request: Request, agent_id: str, client_id: str) -> Response:
        client, words = one(agent_id, client_id), said(Switched(data=request.data))
        rules.check_impartial(get_object_or_404(Agent, pk=agent_id), voices(request))
        check_fresh(request)
        version = versions.read_by(request)
        with transaction.atomic():
            if "exchange_actor" in words:
                actor = Client.ExchangeActor(words["exchange_actor"])
                client, version = switches.set_exchange_actor(client, actor, by=by(request), version=version), None
            if "accepts_endpoint_audience" in words:
                accept = words["accepts_endpoint_audience"]
                client = switches.accept_endpoint_audience(client, by=by(request), accept=accept, version=version)
        return _answer(client)


def one(agent_id: str, client_id: str) -> Client:
    """Return a client of an agent by its key; raises Http404."""
    return get_object_or_404(_of(agent_id), pk=client_id)


def _of(agent_id: str) -> "QuerySet[Client]":
    return Client.objects.filter(agent=get_object_or_404(Agent, pk=agent_id)).select_related("agent")


def _answer(client: Client, secret: str = "", code: int = status.HTTP_200_OK) -> Response:
    shown = {"client_secret": secret} if secret else {}
    headers = {**versions.tag(client.version), **(_NO_STORE if secret else {})}
    return Response({**ClientSerializer(client).data, **shown}, status=code, headers=headers)
