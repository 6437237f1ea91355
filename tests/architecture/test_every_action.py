"""Whatever somebody does on a page, a program does over the API: read from both URL maps, in both directions.

A page that takes a form is named here with the endpoint that does the same; an endpoint that writes, with the page. A
new one of either fails until somebody says which is its twin, or why it has none, and until both are compared: their
effect and what the ledger says of it (tests/conformance/test_twins.py).
"""

import inspect

import pytest

from notices import streams
from remit import tenant_urls
from tests.harness import addresses
from tests.harness.twins import CASES

pytestmark = pytest.mark.once
NO_TWIN = {
    "renew-access": "a person decides this at a browser, with what they decide on before their eyes",
    "name-place": "a person's own word for a place, which nobody else reads",
    "choose-language": "how its person reads pages",
    "my-notices": "how its person is written to",
    "resume-tenant": "a paused tenant answers no API: its one page resumes it",
}
"""Pages that take a form and have no endpoint, and why."""
TWINS = {
    "end-all-access": ["POST delegations/delegation_id/end"],
    "end-access": ["POST delegations/delegation_id/end"],
    "undo-end-all": ["POST delegations/delegation_id/restore"],
    "undo-end-access": ["POST delegations/delegation_id/restore"],
    "narrow-access": ["PATCH delegations/delegation_id"],
    "put-back-access": ["POST delegations/delegation_id/put-back"],
    "end-place": ["POST delegations/delegation_id/installations/installation_id/end"],
    "answer-question": ["POST questions/approval_id/answer"],
    "save-view": ["POST me/views"],
    "rename-view": ["PATCH me/views/view_id"],
    "share-view": ["POST views/view_id/share"],
    "unshare-view": ["POST views/view_id/unshare"],
    "remove-view": ["DELETE me/views/view_id"],
    "approve-together": ["POST approvals/bulk-approve"],
    "approve": ["POST approvals/approval_id/approve"],
    "deny": ["POST approvals/approval_id/deny"],
    "ask-about": ["POST approvals/approval_id/ask"],
    "assign-question": ["POST approvals/approval_id/assign"],
    "undo-decision": ["POST approvals/approval_id/undo"],
    "change-ways-in": ["PATCH settings"],
    "make-registration-token": ["POST registration-tokens"],
    "revoke-registration-token": ["DELETE registration-tokens/token_id"],
    "many-agents": [f"POST agents/bulk-{verb}" for verb in ("pause", "resume", "owner", "confirm")],
    "add-agent": ["POST agents", "POST agents/agent_id/clients"],
    "add-document": ["POST agents/documents"],
    "pause-agent": ["POST agents/agent_id/pause"],
    "resume-agent": ["POST agents/agent_id/resume"],
    "end-agent": ["DELETE agents/agent_id"],
    "restore-agent": ["POST agents/agent_id/restore"],
    "confirm-agent": ["POST agents/agent_id/confirm"],
    "agent-owners": ["PATCH agents/agent_id"],
    "agent-ceiling": ["PATCH agents/agent_id"],
    "agent-handovers": ["POST agents/agent_id/handovers"],
    "forbid-handover": ["DELETE agents/agent_id/handovers/to_agent_id"],
    "change-client": ["PATCH agents/agent_id/clients/client_id"],
    "put-back-client": ["POST agents/agent_id/clients/client_id/put-back"],
    "give-grants": ["PUT agents/agent_id/clients/client_id/grants"],
    "turn-switches": ["PATCH agents/agent_id/clients/client_id/switches"],
    "add-secret": ["POST agents/agent_id/clients/client_id/credentials"],
    "add-key": ["POST agents/agent_id/clients/client_id/credentials"],
    "add-platform": ["POST agents/agent_id/clients/client_id/credentials"],
    "retire-credential": ["DELETE agents/agent_id/clients/client_id/credentials/credential_id"],
    "console-check": ["POST check"],
    "rotate-key": ["POST keys/rotate"],
    "leaked-key": ["POST keys/key_id/compromise"],
    "start-job": ["POST delegations/bulk-export", "POST delegations/recheck"],
    "end-many": ["POST delegations/bulk-end"],
    "stop-job": ["POST jobs/job_id/stop"],
    "undo-job": ["POST jobs/job_id/undo"],
    "look-at-issuer": ["POST trust/issuers/preview"],
    "try-assertion": ["POST trust/issuers/try"],
    "add-issuer": ["POST trust/issuers"],
    "add-audience": ["POST trust/audiences"],
    "change-issuer": ["PATCH trust/issuers/issuer_id"],
    "issuer-off": ["PATCH trust/issuers/issuer_id"],
    "issuer-on": ["PATCH trust/issuers/issuer_id"],
    "remove-issuer": ["DELETE trust/issuers/issuer_id"],
    "restore-issuer": ["POST trust/issuers/issuer_id/restore"],
    "confirm-issuer": ["POST trust/issuers/issuer_id/confirm"],
    "confirm-issuer-keys": ["POST trust/issuers/issuer_id/confirm-keys"],
    "fetch-keys": ["POST trust/issuers/issuer_id/fetch-keys"],
    "link-subject": ["POST trust/issuers/issuer_id/links"],
    "unlink-subject": ["DELETE trust/issuers/issuer_id/links/link_id"],
    "set-provider": ["PUT trust/issuers/issuer_id/sign-in"],
    "remove-provider": ["DELETE trust/issuers/issuer_id/sign-in"],
    "change-audience": ["PATCH trust/audiences/audience_id"],
    "audience-off": ["PATCH trust/audiences/audience_id"],
    "audience-on": ["PATCH trust/audiences/audience_id"],
    "name-client": ["PUT trust/audiences/audience_id/names/client_id"],
    "add-rule": ["POST trust/audiences/audience_id/rules"],
    "remove-rule": ["DELETE trust/audiences/audience_id/rules/rule_id"],
    "add-resource": ["POST resources"],
    "change-resource": ["PATCH resources/resource_id"],
    "add-downstream": ["PUT resources/resource_id/downstream/to_id"],
    "forbid-downstream": ["DELETE resources/resource_id/downstream/to_id"],
    "give-introspector": ["POST resources/resource_id/introspector"],
    "probe-resource": ["POST resources/resource_id/probe"],
    "retire-resource": ["POST resources/resource_id/retire"],
    "restore-resource": ["POST resources/resource_id/restore"],
    "import-scopes": ["POST resources/resource_id/proposals", "POST resources/resource_id/scopes"],
    "add-scope": ["POST resources/resource_id/scopes"],
    "change-scope": ["PATCH resources/resource_id/scopes/name"],
    "restore-scope": ["POST resources/resource_id/restore-scope"],
    "retire-scope": ["DELETE resources/resource_id/scopes/name"],
    "invite-member": ["POST invitations"],
    "withdraw-invitation": ["DELETE invitations/invitation_id"],
    "give-role": ["PATCH members/member_id"],
    "remove-member": ["DELETE members/member_id", "POST members/member_id/remove"],
    "change-settings": ["PATCH settings"],
    "put-setting-back": ["PATCH settings"],
    "change-logo": ["PUT settings/logo"],
    "remove-logo": ["DELETE settings/logo"],
    "pause-tenant": ["POST settings/pause"],
    "add-webhook": ["POST webhooks"],
    "change-webhook": ["PATCH webhooks/webhook_id"],
    "switch-webhook": ["PATCH webhooks/webhook_id"],
    "change-webhook-secret": ["POST webhooks/webhook_id/rotate-secret"],
    "ping-webhook": ["POST webhooks/webhook_id/ping"],
    "remove-webhook": ["DELETE webhooks/webhook_id"],
    "replay-delivery": ["POST webhooks/webhook_id/deliveries/delivery_id/replay"],
    "console-end-place": ["DELETE agents/agent_id/installations/installation_id"],
    "end-delegation": ["POST delegations/delegation_id/end"],
    "ask-to-renew": ["POST delegations/delegation_id/ask-to-renew"],
    "narrow-delegation": ["PATCH delegations/delegation_id"],
    "put-back-delegation": ["POST delegations/delegation_id/put-back"],
    "undo-end-delegation": ["POST delegations/delegation_id/restore"],
    **{f"write-{noun}": ["POST exports"] for noun in (*streams.STREAMED, "activity", "issuers", "audiences")},
}
"""What each form of a page does, by the name of its address: the endpoints that do the same."""
OF_PROGRAMS = {
    "DELETE delegations/delegation_id": "an agent gives back what it holds itself",
    "DELETE delegations/delegation_id/installations/installation_id": "an agent gives back a place of its own",
    "DELETE agents/agent_id/clients/client_id": "on the pages a client ends with its agent",
}
"""Endpoints that write and have no page, and why."""


def taking_forms():
    """Return the names of the console's and the people's pages that heed what was posted.

    Consent, sign-in and what proves a person are decided at a browser alone.
    """
    for each in tenant_urls.urlpatterns:
        route = str(each.pattern)
        is_ours = route.startswith(("console", "me/")) and not route.startswith("me/security")
        if is_ours and "POST" in inspect.getsource(inspect.unwrap(each.callback)):
            yield each.name


def writing():
    return {
        f"{method} {address.route.removeprefix('api/v1/').replace('<str:', '').replace('<path:', '').replace('>', '')}"
        for address in addresses.api()
        for method in addresses.methods(address)
        if method != "GET"
    }


def test_whatever_takes_a_form_has_an_endpoint_or_a_reason():
    forms = set(taking_forms())
    assert len(forms) > 100
    assert forms - TWINS.keys() - NO_TWIN.keys() == set(), "name its endpoint"
    assert (TWINS.keys() | NO_TWIN.keys()) - forms == set(), "no page is called so, or it takes no form"


def test_whatever_writes_over_the_api_has_a_page_or_a_reason():
    there, named = writing(), {each for twins in TWINS.values() for each in twins}
    assert there - named - OF_PROGRAMS.keys() == set(), "name its page"
    assert (named | OF_PROGRAMS.keys()) - there == set(), "the API has no such endpoint"


def test_each_of_them_is_compared_with_each_of_its_endpoints():
    compared = {form: {ask.endpoint for case in CASES if case.form == form for ask in case.asks} for form in TWINS}
    assert {form: set(TWINS[form]) - compared[form] for form in TWINS if set(TWINS[form]) - compared[form]} == {}
    assert {case.form for case in CASES} - TWINS.keys() == set(), "no page is called so"
