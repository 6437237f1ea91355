"""What every view for people has in common: a scope and an act for each method, and what goes in and comes out."""

from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

from rest_framework.permissions import SAFE_METHODS
from rest_framework.request import Request
from rest_framework.serializers import BaseSerializer, Serializer
from rest_framework.views import APIView

from api import idempotency
from api.keepers import ForRoles
from api.listing import Listing
from tenants.roles import Act

Wire = type["BaseSerializer[Any]"]


class Door(APIView):
    """A view for people. `reads`, `answers`, `made` (that a POST makes something) and `asks` (the words of a query, and
    what each may say) are what the schema says of it.
    """

    permission_classes = [ForRoles]
    scopes: ClassVar[Mapping[str, str]] = {}
    acts: ClassVar[Mapping[str, Act]] = {}
    reads: ClassVar[Mapping[str, Wire]] = {}
    answers: ClassVar[Mapping[str, Wire | Listing]] = {}
    made: ClassVar[bool] = False
    asks: ClassVar[Mapping[str, Sequence[str]]] = {}

    def initial(self, request: Request, *args: Any, **kwargs: Any) -> None:
        """Let in whoever may; whatever writes is done once for a key."""
        super().initial(request, *args, **kwargs)
        name = (request.method or "").lower()
        if request.method not in SAFE_METHODS and (writes := getattr(self, name, None)) is not None:
            setattr(self, name, idempotency.once(writes, request))


def said(serializer: "Serializer[Any]") -> dict[str, Any]:
    """Return what a request says, once it can be read; raises ValidationError."""
    serializer.is_valid(raise_exception=True)
    return dict(serializer.validated_data)


def flag(request: Request, name: str) -> bool:
    """Say whether a body asks for something by `true`."""
    return dict(request.data).get(name) is True
