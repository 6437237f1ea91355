"""The saved lists, own and shared, as they stand above a list: which there are, which is open, what can be saved."""

from collections.abc import Mapping
from typing import Any

from delegations import saved_views
from tokens.endpoints.request import MemberRequest


def above(request: MemberRequest, listing: str) -> Mapping[str, Any]:
    """Return the saved ones of a list as links, and the words of the address where they can be saved."""
    query = saved_views.plain(request.GET.urlencode())
    views = [
        {
            "name": view.name,
            "url": f"?{view.query}",
            "is_on": view.query == query,
            "by": "" if view.member_id == request.member.pk else view.member.name,
        }
        for view in saved_views.above(request.member, listing)
    ]
    can_be = bool(query) and not any(view["is_on"] for view in views) and not saved_views.flaws(listing, query)
    return {"list": listing, "views": views, "query": query if can_be else ""}
