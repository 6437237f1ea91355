"""The lists that a person saved: theirs alone in this tenant, and those that everybody of it finds."""

from collections.abc import Sequence

from django.shortcuts import get_object_or_404
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from api import versions
from api.door import Door, said
from api.keepers import ForReaders, ForRoles, by, member_of
from api.listing import Listing
from delegations import saved_views
from tenants.directory import current
from tenants.roles import Act
from tenants.saved_view import SavedView

READ, WRITE, SHARE = "views:read", "views:write", "views:share"


class NewView(serializers.Serializer[SavedView]):
    """`query` are words of the list's address: of its filter, and `order`."""

    list = serializers.ChoiceField(sorted(saved_views.LISTS))
    name = serializers.CharField(max_length=saved_views.LONGEST_NAME)
    query = serializers.CharField(max_length=saved_views.LONGEST_QUERY, allow_blank=True, default="")


class OtherWords(serializers.Serializer[SavedView]):
    name = serializers.CharField(max_length=saved_views.LONGEST_NAME, required=False)
    query = serializers.CharField(max_length=saved_views.LONGEST_QUERY, allow_blank=True, required=False)


class SavedViewSerializer(serializers.ModelSerializer[SavedView]):
    """`notes` say what of the query means nothing any more; whoever opens the list reads them there, too."""

    list = serializers.ChoiceField(sorted(saved_views.LISTS), source="listing")
    notes = serializers.SerializerMethodField()
    links = serializers.SerializerMethodField()

    class Meta:
        model = SavedView
        fields = ["id", "list", "name", "query", "notes", "created_at", "shared_at", "links"]

    def get_notes(self, view: SavedView) -> Sequence[str]:
        return saved_views.flaws(view.listing, view.query)

    def get_links(self, view: SavedView) -> dict[str, str]:
        return {"console": f"{current().issuer}/{saved_views.LISTS[view.listing].path}?{view.query}"}


class SharedViewSerializer(SavedViewSerializer):
    """One that everybody of the tenant finds above the list; `shared_by` is whose it is."""

    shared_by = serializers.CharField(source="member.name")

    class Meta(SavedViewSerializer.Meta):
        fields = [*SavedViewSerializer.Meta.fields, "shared_by"]


class Views(Door):
    permission_classes = [ForReaders]
    http_method_names = ["get", "post", "head", "options"]
    scopes = {"GET": READ, "POST": WRITE}
    listing = Listing("views", SavedViewSerializer)
    reads = {"POST": NewView}
    answers = {"GET": listing, "POST": SavedViewSerializer}
    made = True

    def get(self, request: Request) -> Response:
        return self.listing.answer(request, saved_views.of(member_of(request)))

    def post(self, request: Request) -> Response:
        words = said(NewView(data=request.data))
        listing, name, query = words["list"], words["name"], words["query"]
        view = saved_views.save(member_of(request), listing, name, query, by=by(request))
        return _answer(view, 201)


class OneView(Door):
    permission_classes = [ForReaders]
    http_method_names = ["get", "patch", "delete", "head", "options"]
    scopes = {"GET": READ, "PATCH": WRITE, "DELETE": WRITE}
    reads = {"PATCH": OtherWords}
    answers = {"GET": SavedViewSerializer, "PATCH": SavedViewSerializer}

    def get(self, request: Request, view_id: str) -> Response:
        return _answer(_mine(request, view_id))

    def patch(self, request: Request, view_id: str) -> Response:
        view, words = _mine(request, view_id), said(OtherWords(data=request.data))
        return _answer(saved_views.change(view, by=by(request), version=versions.read_by(request), **words))

    def delete(self, request: Request, view_id: str) -> Response:
        saved_views.remove(_mine(request, view_id), by=by(request))
        return Response(status=204)


class Shared(Door):
    """What is shared, for whoever may open the lists; to anybody else there is none."""

    permission_classes = [ForReaders]
    http_method_names = ["get", "head", "options"]
    scopes = {"GET": READ}
    listing = Listing("views", SharedViewSerializer)
    answers = {"GET": listing}

    def get(self, request: Request) -> Response:
        return self.listing.answer(request, saved_views.shared_with(member_of(request)))


class Share(Door):
    """Let everybody of the tenant find a list that one saved."""

    permission_classes = [ForRoles]
    http_method_names = ["post", "options"]
    scopes = {"POST": SHARE}
    acts = {"POST": Act.VIEWS_SHARE}
    answers = {"POST": SavedViewSerializer}

    def post(self, request: Request, view_id: str) -> Response:
        return _answer(saved_views.share(_mine(request, view_id), by=by(request)))


class Unshare(Door):
    """Leave a shared list to its owner alone: who shared it does that, and whoever may share."""

    permission_classes = [ForReaders]
    http_method_names = ["post", "options"]
    scopes = {"POST": SHARE}
    answers = {"POST": SavedViewSerializer}

    def post(self, request: Request, view_id: str) -> Response:
        member = member_of(request)
        view = get_object_or_404(saved_views.known_to(member), pk=view_id)
        return _answer(saved_views.unshare(view, member=member, by=by(request)))


def _mine(request: Request, view_id: str) -> SavedView:
    return get_object_or_404(saved_views.of(member_of(request)), pk=view_id)


def _answer(view: SavedView, status: int = 200) -> Response:
    return Response(SavedViewSerializer(view).data, status=status, headers=versions.tag(view.version))
