"""Answering for whose word an issuer's is (docs/decisions/0043), and for its keys once they were swapped."""

from typing import Any

from django.shortcuts import get_object_or_404
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from api import versions
from api.door import said
from api.keepers import by
from api.trust import IssuerSerializer, Trust
from tenants.roles import Act
from trust import actions, swapped
from trust.models import TrustedIssuer


class Confirm(Trust):
    """Answer for an issuer as an admin: from then on its word stands for admins too."""

    http_method_names = ["post", "options"]
    acts = {"POST": Act.ADMINS_APPOINT}
    answers = {"POST": IssuerSerializer}

    def post(self, request: Request, issuer_id: str) -> Response:
        issuer = get_object_or_404(TrustedIssuer, pk=issuer_id)
        confirmed = actions.confirm_issuer(issuer, by=by(request), version=versions.read_by(request))
        return Response(IssuerSerializer(confirmed).data, headers=versions.tag(confirmed.version))


class ConfirmKeys(Trust):
    """Say that somebody looked at the keys of an issuer that were swapped (`keys_swapped_at`), as they stood there."""

    class Seen(serializers.Serializer[Any]):
        keys_swapped_at = serializers.DateTimeField()

    http_method_names = ["post", "options"]
    reads = {"POST": Seen}
    answers = {"POST": IssuerSerializer}

    def post(self, request: Request, issuer_id: str) -> Response:
        seen = said(self.Seen(data=request.data))["keys_swapped_at"]
        issuer = get_object_or_404(TrustedIssuer, pk=issuer_id)
        confirmed = swapped.confirm(issuer, by=by(request), seen=seen)
        return Response(IssuerSerializer(confirmed).data, headers=versions.tag(confirmed.version))
