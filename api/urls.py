"""The REST API, below the issuer. It is also a resource: its audience is `<issuer>/api/v1` (RFC 9728 metadata)."""

from django.urls import path

from api.agents import DelegationLineage, Delegations, OneDelegation, Self, TokenLineage

urlpatterns = [
    path("api/v1/self", Self.as_view()),
    path("api/v1/delegations", Delegations.as_view()),
    path("api/v1/delegations/<str:delegation_id>", OneDelegation.as_view()),
    path("api/v1/delegations/<str:delegation_id>/lineage", DelegationLineage.as_view()),
    path("api/v1/tokens/<str:token_id>/lineage", TokenLineage.as_view()),
]
