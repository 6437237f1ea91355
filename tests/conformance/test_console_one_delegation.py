"""A delegation's own page: where it comes from, what came of it, what an end does, and the end."""

import json

import pytest

from agents.models import Agent
from audit.events import Event
from kit import context, jose
from tests.harness import chain as chains
from tests.harness.footprint import leaves_only
from tests.spec import spec
from tokens import keys
from tokens.records import TYP


@pytest.fixture
def chain(world):
    """A planner that alice allowed, and its helper that holds part of it."""
    chain = chains.make(world)
    chain.hand_on()
    return chain


def page_of(browser, world, delegation):
    return browser.go(world.url(f"/console/delegations/{delegation.pk}"))


def test_it_says_the_way_from_the_person_to_the_resource_as_a_drawing_and_as_a_table(world, chain):
    root, part = world.delegations()
    ada = world.browser("ada")
    text = page_of(ada, world, part).text
    with context.use(world.tenant):
        names = [each.name for each in Agent.objects.filter(pk__in=[root.agent_id, part.agent_id])]
    assert text.count('<g class="node agent') == 2
    assert text.count('class="node agent focus"') == 1
    for name in ("Alice", *names, "Calendar"):
        assert f">{name}</text>" in text
        assert name in text[text.index("The same as a table") :]
    assert f'href="/t/{world.tenant.slug}/console/delegations/{root.pk}"' in text
    assert "Let " in ada.words()  # What the consent page said.


@spec("RFC 9700", "2.1")
def test_an_admin_ends_it_with_a_reason_reads_what_ended_and_takes_it_back(world, chain):
    root, part = world.delegations()
    ada = world.browser("ada")
    page_of(ada, world, root)
    assert "1 part that it handed on ends too." in ada.words()
    ada.submit(ada.form("/end"), {"reason": "the project is over"})
    assert "This access was ended. No new token from now on." in ada.words()
    assert "What it handed on to another agent ended too." in ada.words()
    (entry,) = world.entries(Event.DELEGATION_ENDED)
    assert (entry.reason, entry.principal_id) == ("the project is over", world.people["ada"].pk)
    assert "Ended" in page_of(ada, world, part).text
    page_of(ada, world, root)
    ada.submit(ada.form("/undo"))
    assert "Active" in ada.words()
    latest = world.delegations()[-1]
    assert latest.restored_from_id == root.pk
    assert str(ada.page.url).endswith(latest.pk)


@spec("RFC 9700", "2.1")
@pytest.mark.parametrize(("reason", "status"), [("", 400), ("   ", 400), ("\x00", 400)])
def test_nobody_ends_anything_without_a_reason(world, chain, reason, status):
    root, _ = world.delegations()
    ada = world.browser("ada")
    page_of(ada, world, root)
    with leaves_only(world):
        assert ada.submit(ada.form("/end"), {"reason": reason}).status_code == status
    assert "Say why" in ada.words()


@spec("RFC 9700", "2.1")
@pytest.mark.parametrize("role", ["auditor", "approver", "member"])
def test_who_may_only_look_ends_nothing(world, chain, role):
    root, _ = world.delegations()
    ada = world.browser("ada")
    page_of(ada, world, root)
    form = ada.form("/end")
    world.rewrite(world.people["ada"], role=role)
    with leaves_only(world):
        assert ada.submit(form, {"reason": "because"}).status_code == 403
    page = page_of(ada, world, root)
    assert page.status_code == (403 if role == "member" else 200)
    assert "/end" not in page.text


@spec("RFC 9700", "2.1")
def test_what_one_admin_ended_another_does_not_take_back(world, chain):
    root, _ = world.delegations()
    world.rewrite(world.people["bob"], role="security")
    ada, bob = world.browser("ada"), world.browser("bob")
    page_of(ada, world, root)
    ada.submit(ada.form("/end"), {"reason": "over"})
    undo = ada.form("/undo")
    page_of(bob, world, root)
    assert "/undo" not in bob.page.text
    own = [form for form in bob.forms() if form.method == "post"]
    assert own == []
    undo.fields = [("csrfmiddlewaretoken", bob.http.cookies.get("csrf", ""))]
    with leaves_only(world):
        assert bob.submit(undo).status_code == 409


@spec("RFC 7515", "5.2")
def test_its_record_is_signed_by_the_tenant_and_no_token(world, chain):
    root, part = world.delegations()
    answer = world.browser("ada").http.get(world.url(f"/console/delegations/{part.pk}/record"))
    document = json.loads(answer.text)
    with context.use(world.tenant):
        public = keys.keyset().public
        read = jose.signed(document["jws"], public, jose.Expected(typ=TYP, issuer=world.tenant.issuer, audience=None))
    assert dict(read) == document["record"]
    assert document["record"]["line"] == [root.pk, part.pk]
    assert document["record"]["consent"]["id"] == root.consent_id
    assert not world.is_active(document["jws"])
    bearer = {"Authorization": f"Bearer {document['jws']}"}
    assert world.http.get(world.url("/userinfo"), headers=bearer).status_code == 401
    assert world.exchange(chain.agents[1], document["jws"]).json()["error"] == "invalid_request"


@spec("RFC 9700", "2.1")
@pytest.mark.parametrize("path", ["", "/record"])
def test_the_delegation_of_another_tenant_is_not_there(world, elsewhere, chain, path):
    root, _ = world.delegations()
    assert elsewhere.browser("ada").http.get(elsewhere.url(f"/console/delegations/{root.pk}{path}")).status_code == 404
    assert world.browser("alice").http.get(world.url(f"/console/delegations/{root.pk}{path}")).status_code == 403
