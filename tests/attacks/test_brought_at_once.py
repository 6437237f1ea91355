"""Many admins bring the same document at once, while the agent comes by itself: there is one of it."""

import secrets

from django.utils import timezone

from agents import bringing
from agents.errors import NameTaken
from agents.models import Agent, Client
from agents.registration import document as documents_of
from audit.principals import SYSTEM
from kit import context
from tests.harness.crowd import at_once
from tests.harness.keyholder import document
from tests.spec import spec


@spec("CIMD", "4")
def test_a_document_that_is_brought_many_times_at_once_is_one_agent(world, documents):
    path = f"/brought/{secrets.token_hex(6)}.json"
    document(documents, path, client_name="Twin")
    url = documents.url(path)

    def bring(number):
        try:
            if number == 0:
                return documents_of.client(url, must_be_fresh=True).pk
            return bringing.take(url, by=SYSTEM, now=timezone.now()).pk
        except NameTaken:
            return None

    made = {each for each in at_once(6, bring, tenant=world.tenant) if each}
    with context.use(world.tenant):
        assert made == {Client.objects.get(client_id=url).pk}
        assert Agent.objects.filter(name="Twin").count() == 1
    assert len([each for each in world.entries("agent.registered") if each.about_label == "Twin"]) == 1
