"""What somebody allowed on a request that waited for it: an approver for the agent itself, or a person for them."""

from datetime import timedelta

from agents.models import Approval, Client
from agents.models.agent import earliest
from delegations import standing
from delegations.errors import StaysEnded
from delegations.models import Delegation
from delegations.standing import Standing
from kit.oauth import GrantType, TokenType, UnauthorizedClient
from tenants import directory
from tenants.models import Tenant
from tokens import rows
from tokens.models import Deferral
from tokens.values import DeferralUse, Proof, TokenRequest


def prove(tenant: Tenant, client: Client, request: TokenRequest) -> Proof | None:
    """Return what an approval of this very request lets an agent do for itself, or None where there is none."""
    word = _word(tenant, client, request)
    if word is None:
        return None
    there = standing.found(word)
    is_there = there is not None and standing.covers(there, word, request.now)
    if not is_there:
        try:
            standing.check_stays_ended(word)
        except StaysEnded as error:
            raise UnauthorizedClient(str(error)) from error
    return Proof(
        tenant=tenant,
        subject=word.subject,
        actor=None,
        client=client,
        scopes=word.scopes,
        delegations=(there if there is not None and is_there else standing.planned(word),),
        may_infer_audience=False,
        is_cut=True,
        standing=None if is_there else word,
    )


def agreed(tenant: Tenant, client: Client, request: TokenRequest) -> Proof | None:
    """Return what a person allowed on the page that a request waited for, or None where no person was asked."""
    waited = Deferral.objects.filter(pk=request.deferral, status=Deferral.Status.ALLOWED).first()
    if waited is None or waited.member_id is None:
        return None
    exchanges = request.one("grant_type") == GrantType.TOKEN_EXCHANGE
    return Proof(
        tenant=tenant,
        subject=waited.member_id,
        actor=client.agent,
        client=client,
        scopes=frozenset(waited.scope.split()),
        delegations=rows.delegations(waited.delegations),
        may_infer_audience=True,
        # An exchange brings one token, and nothing to renew it with.
        consumes=None if exchanges else DeferralUse(waited.pk),
        issued_type=TokenType.ACCESS_TOKEN if exchanges else "",
        is_cut=True,
    )


def _word(tenant: Tenant, client: Client, request: TokenRequest) -> Standing | None:
    """Return the approver's word: what was approved, of what this request asked for, and is still under the ceiling."""
    approval = _approval(request)
    if approval is None or client.agent is None or len(request.resources) != 1:
        return None
    resource = request.resources[0]
    protected, given = directory.resource_server(resource), approval.ceiling or {}
    read = frozenset(given.get(resource, ())) & frozenset(approval.own.get(resource, ()))
    scopes = client.agent.under_ceiling(resource, read & request.scopes)
    if protected is None or not scopes:
        return None
    assert approval.decided_at is not None
    there = Delegation.objects.live(request.now).filter(client=client, origin=Delegation.Origin.ADMIN)
    same = there.filter(subject=client.agent.pk, audience=resource, parent=None).first()
    longest = earliest(
        request.now + timedelta(days=tenant.longest_delegation_days), client.agent.latest_end(request.now)
    )
    return Standing(
        subject=client.agent.pk,
        member=None,
        client=client,
        agent=client.agent,
        audience=resource,
        scopes=scopes,
        # What an admin gave without an end keeps none.
        expires_at=same.expires_at if same is not None else longest,
        origin=Delegation.Origin.ADMIN,
        said_at=approval.decided_at,
        resource_server=protected.server,
    )


def _approval(request: TokenRequest) -> Approval | None:
    """Return the approval of more that a request waited for, where a person gave it."""
    waited = Deferral.objects.select_related("approval").filter(pk=request.deferral).first()
    approval = waited.approval if waited is not None else None
    is_given = approval is not None and approval.status == Approval.Status.APPROVED
    is_more = approval is not None and approval.kind == Approval.Kind.SCOPES and approval.decided_by_id is not None
    return approval if is_given and is_more else None
