"""People of a tenant: who has a place, with which role; invitations, and removing somebody."""

from typing import Any
from urllib.parse import urlencode

from django.shortcuts import get_object_or_404
from django.utils import timezone
from rest_framework import serializers, status
from rest_framework.request import Request
from rest_framework.response import Response

from agents import owners, people
from agents.people_filters import MemberFilter
from api import versions
from api.door import Door, said
from api.fresh import check_fresh
from api.keepers import member_of
from api.listing import Listing
from api.told import FIELDS, Told
from delegations import reach
from tenants import members as verbs
from tenants.filters import InvitationFilter
from tenants.invitation import Invitation
from tenants.mail import invite_by_mail
from tenants.models import Membership
from tenants.roles import Act
from tokens import stops, summaries

READ, WRITE = "members:read", "members:write"


class MemberSerializer(Told, serializers.ModelSerializer[Membership]):
    """A person's place; `approvals_open` is how many questions wait for them, null for whoever decides on none.

    At `role_until` a member is what is left of the role; null is no end.
    """

    email = serializers.EmailField(read_only=True)
    name = serializers.CharField(read_only=True)
    came_by = serializers.ChoiceField(choices=people.CameBy.choices, read_only=True)
    factor = serializers.ChoiceField(choices=people.Factor.choices, read_only=True)
    last_signed_in_at = serializers.DateTimeField(read_only=True, allow_null=True)
    agents_owned = serializers.IntegerField(read_only=True)
    approvals_open = serializers.IntegerField(read_only=True, allow_null=True)

    class Meta:
        model = Membership
        fields = [
            "id", "name", "email", "role", "role_until", "status", "groups", "came_by", "factor", "last_signed_in_at",
            "agents_owned", "approvals_open", "created_at", *FIELDS,
        ]  # fmt: skip
        read_only_fields = ["id", "status", "groups", "created_at"]

    def get_summary(self, row: Membership) -> str:
        return summaries.member(row)

    def page(self, row: Membership) -> str:
        return f"members?{urlencode({'q': row.email})}"


class InvitationSerializer(serializers.ModelSerializer[Invitation]):
    """The secret is in the mail, and nowhere else."""

    role = serializers.ChoiceField(choices=Membership.Role.choices)
    invited_by = serializers.CharField(source="invited_by_id", read_only=True)

    class Meta:
        model = Invitation
        fields = ["id", "email", "role", "invited_by", "created_at", "expires_at", "accepted_at", "withdrawn_at"]
        read_only_fields = ["id", "created_at", "expires_at", "accepted_at", "withdrawn_at"]
        validators: list[Any] = []


class Removal(serializers.Serializer[Any]):
    """`agents_to` is the member who takes over what they own. With `dry_run` nothing happens, and the answer says what
    would.
    """

    reason = serializers.CharField(max_length=500, required=False, default="")
    agents_to = serializers.CharField(max_length=30, required=False, allow_null=True, default=None)
    dry_run = serializers.BooleanField(required=False, default=False)


class Removed(serializers.Serializer[Any]):
    """What ends, how many agents somebody takes over, and how many are left without an owner who has a place here."""

    delegations = serializers.IntegerField()
    agents = serializers.IntegerField()
    agents_handed_over = serializers.IntegerField()
    agents_owned = serializers.IntegerField()


class _Members(Door):
    scopes = {"GET": READ, **dict.fromkeys(("POST", "PATCH", "DELETE"), WRITE)}
    acts = {"GET": Act.MEMBERS_READ, **dict.fromkeys(("POST", "PATCH", "DELETE"), Act.MEMBERS_WRITE)}


class Members(_Members):
    http_method_names = ["get", "head", "options"]
    listing = Listing("members", MemberSerializer, MemberFilter)
    answers = {"GET": listing}

    def get(self, request: Request) -> Response:
        return self.listing.answer(request, people.with_facts(Membership.objects.all()))


class OneMember(_Members):
    http_method_names = ["get", "patch", "delete", "head", "options"]
    answers = {"GET": MemberSerializer, "PATCH": MemberSerializer, "DELETE": Removed}
    reads = {"PATCH": MemberSerializer, "DELETE": Removal}

    def get(self, request: Request, member_id: str) -> Response:
        return _answer(_member(member_id))

    def patch(self, request: Request, member_id: str) -> Response:
        member = _member(member_id)
        asked = said(MemberSerializer(member, data=request.data, partial=True))
        role, until = asked.get("role", member.role), asked.get("role_until", member.role_until)
        version = versions.read_by(request)
        verbs.give_role(member, role, by=member_of(request), until=until, version=version)
        return _answer(_member(member_id))

    def delete(self, request: Request, member_id: str) -> Response:
        return _removed(request, member_id)


class Remove(_Members):
    http_method_names = ["post", "options"]
    answers = {"POST": Removed}
    reads = {"POST": Removal}

    def post(self, request: Request, member_id: str) -> Response:
        return _removed(request, member_id)


class Invitations(_Members):
    made = True
    http_method_names = ["get", "post", "head", "options"]
    listing = Listing("invitations", InvitationSerializer, InvitationFilter)
    answers = {"GET": listing, "POST": InvitationSerializer}
    reads = {"POST": InvitationSerializer}

    def get(self, request: Request) -> Response:
        return self.listing.answer(request, Invitation.objects.all())

    def post(self, request: Request) -> Response:
        asked = said(InvitationSerializer(data=request.data))
        made = verbs.invite(asked["email"], asked["role"], by=member_of(request), tell=invite_by_mail)
        return Response(InvitationSerializer(made).data, status=status.HTTP_201_CREATED)


class OneInvitation(_Members):
    http_method_names = ["get", "delete", "head", "options"]
    answers = {"GET": InvitationSerializer}

    def get(self, request: Request, invitation_id: str) -> Response:
        return Response(InvitationSerializer(get_object_or_404(Invitation, pk=invitation_id)).data)

    def delete(self, request: Request, invitation_id: str) -> Response:
        verbs.withdraw(get_object_or_404(Invitation, pk=invitation_id), by=member_of(request))
        return Response(status=status.HTTP_204_NO_CONTENT)


def _member(member_id: str) -> Membership:
    return get_object_or_404(people.with_facts(Membership.objects.all()), pk=member_id)


def _removed(request: Request, member_id: str) -> Response:
    member, asked = _member(member_id), said(Removal(data=request.data))
    ended, owned = reach.of_member(member, now=timezone.now()), owners.owned(member).count()
    following = _named(asked["agents_to"]) if asked["agents_to"] else None
    if asked["dry_run"]:
        verbs.check_removal(member, by=member_of(request))
    else:
        check_fresh(request)
        words = {"reason": asked["reason"], "agents_to": following, "version": versions.read_by(request)}
        stops.remove_member(member, by=member_of(request), **words)
    moved = owned if following else 0
    told = {"delegations": ended.delegations, "agents": ended.agents}
    return Response({**told, "agents_handed_over": moved, "agents_owned": owned - moved})


def _named(member_id: str) -> Membership:
    found = Membership.objects.select_related("user").filter(pk=member_id, status=Membership.Status.ACTIVE).first()
    if found is None:
        raise serializers.ValidationError({"agents_to": ["Nobody of this tenant has this id."]})
    return found


def _answer(member: Membership) -> Response:
    return Response(MemberSerializer(member).data, headers=versions.tag(member.version))
