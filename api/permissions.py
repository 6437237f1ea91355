"""One scope for each verb. A view that names none lets nobody in."""

from typing import TYPE_CHECKING

from rest_framework.permissions import BasePermission
from rest_framework.request import Request

from tokens.bearer import Bearer

if TYPE_CHECKING:  # The framework imports this module while it makes APIView.
    from rest_framework.views import APIView


class HoldsScope(BasePermission):
    """The token holds the scope that the view names for the method (`scopes = {"GET": "self:read"}`)."""

    def has_permission(self, request: Request, view: "APIView") -> bool:
        return isinstance(request.auth, Bearer) and scope_for(view, request.method or "") in request.auth.scopes


def scope_for(view: "APIView", method: str) -> str:
    """Return the scope that a method of a view takes, or "" where it takes none that anybody could hold."""
    scopes: dict[str, str] = getattr(view, "scopes", {})
    return scopes.get("GET" if method == "HEAD" else method, "")
