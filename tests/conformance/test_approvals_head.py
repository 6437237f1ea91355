"""The approvals say how many wait and since when, and lead to all that was decided."""

from datetime import timedelta

from django.utils import timezone

from agents.models import Approval
from audit.principals import SYSTEM
from kit import context
from tenants import actions as tenant_actions
from tests.spec import spec


@spec("RFC 9110", "15.3.1")
def test_the_page_says_how_many_wait_and_the_oldest_and_leads_to_all_decisions(world):
    tenant_actions.change_policy(world.tenant, by=SYSTEM, registration="admission")
    ada = world.browser("ada")
    assert "the oldest:" not in ada.go(world.url("/console/approvals")).text
    for name in ("Scout", "Other"):
        said = {"client_name": name, "redirect_uris": ["https://a.example/cb"], "token_endpoint_auth_method": "none"}
        assert world.http.post(world.url("/register"), json=said).status_code == 201
    with context.use(world.tenant):
        first, second = Approval.objects.order_by("pk")
    world.rewrite(first, created_at=timezone.now() - timedelta(days=3))
    ada.go(world.url("/console/approvals"))
    assert "2 wait, the oldest: 3 days ago ." in ada.words()
    world.rewrite(second, status="denied", decided_at=timezone.now())
    page = ada.go(world.url("/console/approvals"))
    assert "1 waits, the oldest: 3 days ago ." in ada.words()
    assert "/console/activity?event=approval.*" in page.text


@spec("RFC 9110", "9.3.1")
def test_a_question_has_an_address_where_it_is_decided_and_where_it_says_afterwards_what_came_of_it(world):
    tenant_actions.change_policy(world.tenant, by=SYSTEM, registration="admission")
    said = {"client_name": "Scout", "redirect_uris": ["https://a.example/cb"], "token_endpoint_auth_method": "none"}
    assert world.http.post(world.url("/register"), json=said).status_code == 201
    with context.use(world.tenant):
        question = Approval.objects.get()
    ada, one = world.browser("ada"), world.url(f"/console/approvals/{question.pk}")
    assert one.removeprefix(world.origin) in ada.go(world.url("/console/approvals")).text
    ada.go(one)
    assert "May Scout act here?" in ada.words()
    assert ada.submit(ada.form("/deny"), {"reason": "We buy through procurement."}).status_code == 200
    ada.go(one)
    assert "Denied" in ada.words()
    assert "We buy through procurement." in ada.words()
    assert not any("/approve" in form.action or "/deny" in form.action for form in ada.forms())
    assert ada.submit(ada.form("/undo"), {}).status_code == 200
    ada.go(one)
    assert "May Scout act here?" in ada.words()
