"""The tenant's logo: where it is, taking another one, and none."""

import base64
import binascii
from typing import Any

from django.utils.translation import gettext
from rest_framework import serializers, status
from rest_framework.request import Request
from rest_framework.response import Response

from api.authentication import tenant_of
from api.door import Door, said
from api.keepers import by
from tenants import logo
from tenants.models import Tenant
from tenants.roles import Act

READ, WRITE = "settings:read", "settings:write"


class Picture(serializers.Serializer[Any]):
    """A PNG, JPEG, GIF or WebP of 32 KB at most, in base64."""

    picture = serializers.CharField(max_length=4 * (logo.LARGEST // 3 + 1))

    def validate_picture(self, value: str) -> bytes:
        try:
            return base64.b64decode(value, validate=True)
        except (binascii.Error, ValueError) as error:
            raise serializers.ValidationError(gettext("Write the picture in base64.")) from error


class LogoSerializer(serializers.Serializer[Any]):
    """`url` is where it is, under a name that changes with it; empty where there is none."""

    url = serializers.CharField(allow_blank=True)


class Logo(Door):
    http_method_names = ["get", "put", "delete", "head", "options"]
    scopes = {"GET": READ, "PUT": WRITE, "DELETE": WRITE}
    acts = {"GET": Act.SETTINGS_READ, "PUT": Act.SETTINGS_WRITE, "DELETE": Act.SETTINGS_WRITE}
    reads = {"PUT": Picture}
    answers = {"GET": LogoSerializer, "PUT": LogoSerializer}

    def get(self, request: Request) -> Response:
        return self._answer(request)

    def put(self, request: Request) -> Response:
        raw = said(Picture(data=request.data))["picture"]
        logo.set_logo(tenant_of(request), raw, by=by(request))
        return self._answer(request)

    def delete(self, request: Request) -> Response:
        logo.remove_logo(tenant_of(request), by=by(request))
        return Response(status=status.HTTP_204_NO_CONTENT)

    def _answer(self, request: Request) -> Response:
        tenant = Tenant.objects.get(pk=tenant_of(request).pk)
        place = f"{tenant.issuer}/logo/{tenant.logo}.png" if tenant.logo else ""
        return Response(LogoSerializer({"url": place}).data)
