"""A row in tables that a journey seldom fills: what an admin says of other domains, and agents that wait."""

from datetime import timedelta

from django.utils import timezone

from agents import across, admission, handovers, registration_tokens, remarks
from agents.models import Agent, Approval, Client, CoOwner, CredentialStory
from api.models import KeptAnswer
from audit.events import Event
from audit.ledger import record
from audit.principals import SYSTEM, Kind, Principal
from delegations import saved_views
from notices import actions as notices
from notices.models import Job, JobItem, JobPart, Notice, Reading, Turn
from notices.webhooks import actions as webhooks
from tenants import logo, members, sign_ins
from tests.harness import pictures
from tests.harness.domains import Foreign, trust_foreign
from tests.harness.world import World
from tokens import fetchers
from trust import actions as trust_actions
from trust import providers
from trust.models import UsedGrant


def of_trust_and_arrivals(world: World, client: Client) -> None:
    """Fill them in the current tenant, which is the world's."""
    foreign, now = Foreign(), timezone.now()
    issuer = trust_foreign(world, foreign, purposes=["id_jag", "federation", "sign_in"])
    providers.set_provider(issuer, by=SYSTEM, client_id="remit")
    UsedGrant.objects.create(issuer=issuer, jti=world.tenant.pk, expires_at=now)
    workload = across.register_workload("CI job", by=SYSTEM)
    across.federate(workload, issuer, "repo:a/b", by=SYSTEM)
    CredentialStory.objects.create(client=workload, credential="x")
    resources = {"https://api.elsewhere.example/": ["read"]}
    audience = trust_actions.add_audience("https://login.elsewhere.example", by=SYSTEM, resources=resources)
    across.name_elsewhere(client, audience, "there", by=SYSTEM)
    across.allow_across(client, audience, "https://api.elsewhere.example/", ["read"], by=SYSTEM, everyone=True)
    waiting = Agent.objects.create(name="Newcomer", status=Agent.Status.PENDING)
    admission.ask_about(waiting, client)
    CoOwner.objects.create(agent=waiting, member=world.people["bob"])
    admission.plead(waiting, world.people["alice"], "please", {})
    remarks.ask(Approval.objects.get(agent=waiting), by=world.people["ada"], words="What for?")
    asked = record(Event.APPROVAL_WANTED, by=Principal(Kind.USER, world.people["alice"].pk), about=waiting)
    Notice.objects.create(entry_id=asked.pk, kind="approval-waiting", recipient=world.people["ada"])
    notices.choose(world.people["ada"], ["approval-waiting"], by=SYSTEM)
    Reading.objects.create(sequence=0)
    Turn.objects.create(name="round", at=now)
    of_work(world)
    of_webhooks()
    of_places(world)


def of_places(world: World) -> None:
    """Keep a place for somebody, a list, and an answer; and let somebody fetch the keys."""
    of_lists(world)
    fetchers.note("192.0.2.7", "reader/1.0", now=timezone.now())
    KeptAnswer.objects.create(caller="x", key="x", request="x", expires_at=timezone.now() + timedelta(days=1))
    members.invite(f"new@{world.tenant.slug}.example", "member", by=world.people["ada"], tell=lambda *_: None)


def of_work(world: World) -> None:
    """Ask for something long, of which one thing is done."""
    over = {"state": Job.State.DONE, "total": 1, "done": 1}
    job = Job.objects.create(kind=Job.Kind.EXPORT, form="csv", asked_by=world.people["ada"], **over)
    JobItem.objects.create(job=job, object_id=world.tenant.pk, state=JobItem.State.DONE)
    JobPart.objects.create(job=job, number=1, content=b"")


def of_webhooks() -> None:
    """Let a program be told, of a test."""
    webhook, _ = webhooks.add_webhook("https://hooks.example.com/remit", ["agent.*"], by=SYSTEM)
    webhooks.ping(webhook, by=SYSTEM, now=timezone.now())


def of_lists(world: World) -> None:
    """Save a list for somebody, and keep that they signed in."""
    sign_ins.keep(world.people["bob"], "no session's key", user_agent="", address="192.0.2.7")
    saved_views.save(world.people["bob"], "agents", "Mine", "q=mine", by=SYSTEM)
    logo.set_logo(world.tenant, pictures.picture(), by=SYSTEM)


def of_addresses(world: World) -> None:
    """What has an address of its own, besides."""
    registration_tokens.make("CI", by=SYSTEM)
    one, other = (Agent.objects.filter(name=name).get() for name in ("Scout", "CI job"))
    handovers.allow_handover(one, other, by=SYSTEM)
    record(Event.TOKEN_REFUSED, by=SYSTEM, about=world.tenant, detail={"error": "invalid_grant", "steps": []})
    of_work(world)
