"""Where people sign in: who this tenant is at a trusted issuer. The secret is given and never shown."""

from typing import Any

from django.shortcuts import get_object_or_404
from rest_framework import serializers, status
from rest_framework.request import Request
from rest_framework.response import Response

from api.door import Door, said
from api.keepers import by
from tenants.roles import Act
from trust import providers
from trust.models import IdentityProvider, TrustedIssuer


class ProviderSerializer(serializers.ModelSerializer[IdentityProvider]):
    """`client_secret` may be left out to keep the one that is there, and empty for a public client."""

    client_secret = serializers.CharField(write_only=True, required=False, allow_blank=True, max_length=500)
    roles = serializers.ListField(
        child=serializers.ListField(child=serializers.CharField(max_length=255), min_length=2, max_length=2),
        required=False,
        max_length=providers.MAX_ROLES,
    )
    redirect_uri = serializers.SerializerMethodField()

    class Meta:
        model = IdentityProvider
        fields = ["id", "client_id", "client_secret", "groups_claim", "roles", "redirect_uri"]
        read_only_fields = ["id"]
        extra_kwargs = {"groups_claim": {"required": False}}

    def get_redirect_uri(self, provider: IdentityProvider) -> str:
        return f"{provider.tenant.issuer}{providers.BACK}"


class Provider(Door):
    """Who this tenant is at an issuer that is trusted for `sign_in`."""

    scopes = {"GET": "trust:read", "PUT": "trust:write", "DELETE": "trust:write"}
    acts = {"GET": Act.TRUST_READ, "PUT": Act.TRUST_WRITE, "DELETE": Act.TRUST_WRITE}
    http_method_names = ["get", "put", "delete", "head", "options"]
    reads = {"PUT": ProviderSerializer}
    answers = {"GET": ProviderSerializer, "PUT": ProviderSerializer}

    def get(self, request: Request, issuer_id: str) -> Response:
        return Response(ProviderSerializer(_provider(issuer_id)).data)

    def put(self, request: Request, issuer_id: str) -> Response:
        issuer: TrustedIssuer = get_object_or_404(TrustedIssuer, pk=issuer_id)
        asked: dict[str, Any] = said(ProviderSerializer(data=request.data))
        return Response(ProviderSerializer(providers.set_provider(issuer, by=by(request), **asked)).data)

    def delete(self, request: Request, issuer_id: str) -> Response:
        providers.remove_provider(_provider(issuer_id), by=by(request))
        return Response(status=status.HTTP_204_NO_CONTENT)


def _provider(issuer_id: str) -> IdentityProvider:
    return get_object_or_404(IdentityProvider.objects.select_related("issuer"), issuer=issuer_id)
