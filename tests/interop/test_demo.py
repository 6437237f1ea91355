"""`make demo`, as a newcomer runs it. Its ports are fixed, so one test plays it: tests run side by side."""

import os
import secrets
import socket
import subprocess
import sys

import pytest

from agents.models import AssertionRule, Client, Handover, NameElsewhere
from examples import running
from examples.ci_platform import key_of
from examples.plays import stage
from kit import context
from remit import demo as seeded
from remit import demo_across as seeded_across
from tenants.models import Tenant
from tests.harness.server import ROOT, free_port
from trust.models import Audience, SubjectLink, TrustedIssuer

pytestmark = pytest.mark.interop

# What a newcomer's shell does not say; databases and secrets are those of this test process.
PLAIN = {"DJANGO_SETTINGS_MODULE": "remit.settings", "REMIT_FETCH_LOOPBACK_HOSTS": "", "REMIT_FETCH_CA_FILE": ""}
TOLD = (
    f"https://{seeded.DOCUMENT_HOST}/agents/",
    "POST /t/acme/token with the refresh token and a fresh assertion → 400 invalid_grant",
    "the page says “Orchestrator may hand part of this to” Researcher, Summariser",
    "200 scope 'notes:read', summariser ← researcher ← orchestrator for alice, dlg_",
    "scope='notes:read notes:write' → 400 invalid_scope",
    "translator: token exchange of the same token → 400 invalid_request",
    "“Researcher no longer uses Notes on this computer for you. Nothing that it holds works any more.",
    'summariser calls list_notes; the server asks at /t/acme/introspect → {"active":false}, so 401',
    "orchestrator calls list_notes → active True",
    "requested_token_type=…:id-jag,",
    "200 issued_token_type …:id-jag, token_type N_A, 300 s",
    "agent reads the grant (ID-JAG) → typ oauth-id-jag+jwt, aud ",
    "POST /t/globex/token with the same grant a second time → 400 invalid_grant",
    "the same exchange with resource=http://localhost:9411/mcp → 400 invalid_target",
    "and “Acme Robotics allowed this”",
    'globex\'s server asks at /t/globex/introspect → {"active":false}, so 401',
    "the exchange for a new grant → 400 invalid_grant",
    "Ended … by Acme Robotics”",
    "ada presses Resume; agent calls list_notes on the MCP SDK's client → “notes for usr_",
    "the platform's token as client_assertion, client_id=release-job, and no secret → 200 Bearer",
    "for a repository that took over the name: repository_id '75' → 401 invalid_client",
    "for another branch: sub repo:acme/robots:ref:refs/heads/try-me → 401 invalid_client",
    "for another audience: aud https://registry.example → 401 invalid_client",
)


def play(origin: str) -> "subprocess.CompletedProcess[str]":
    return subprocess.run(
        [sys.executable, "examples/demo.py"], cwd=ROOT, capture_output=True, text=True, timeout=240, check=False,
        env={**os.environ, **PLAIN, "REMIT_PUBLIC_ORIGIN": origin},
    )  # fmt: skip


def goes_as_told(origin: str) -> None:
    played = play(origin)
    assert played.returncode == 0, played.stdout + played.stderr
    assert played.stdout.endswith("All as told.\n")
    assert [words for words in TOLD if words not in played.stdout] == []
    assert origin in played.stdout
    assert not seeded.CA_FILE.exists()


def stops(origin: str, reason: str) -> None:
    played = play(origin)
    assert played.returncode == 1
    assert f"The demo stops: {reason}" in played.stderr
    assert "Traceback" not in played.stderr


def test_the_demo_knows_what_is_seeded():
    assert stage.PASSWORD == seeded.PASSWORD
    introspectors = (stage.INTROSPECTOR, stage.NOTES_INTROSPECTOR, stage.OTHER_INTROSPECTOR)
    assert {secret for _, secret in introspectors} == {seeded.INTROSPECTION_SECRET}
    assert (stage.TEAM, stage.STRANGER) == (seeded.TEAM, seeded.STRANGER)
    assert [stage.known_as(each).secret for each in stage.TEAM] == [seeded.secret_of(each) for each in seeded.TEAM]
    ports = [(each.calendar_port, each.notes_port) for each in seeded.ORGANISATIONS]
    assert ports == [(stage.CALENDAR, stage.NOTES), (stage.OTHER_CALENDAR, stage.OTHER_NOTES)]
    assert f"localhost:{stage.DOCUMENTS}" == seeded.DOCUMENT_HOST
    assert stage.CA_FILE == seeded.CA_FILE
    assert (stage.COURIER, stage.COURIER_THERE) == (seeded_across.COURIER, seeded_across.COURIER_THERE)
    assert stage.known_as(stage.COURIER).secret == seeded.secret_of(seeded_across.COURIER)
    assert (stage.JOB, stage.PLATFORM) == (seeded_across.JOB, seeded_across.PLATFORM)
    assert (stage.SUBJECT, stage.REPOSITORY_ID) == (seeded_across.SUBJECT, seeded_across.REPOSITORY_ID)
    (public,) = seeded_across.platform_keys()["keys"]
    assert public["kid"] == key_of(stage.PLATFORM_KEY).thumbprint()
    assert "d" not in public


def about(monkeypatch, *slugs):
    """Let seeding be about these tenants."""
    organisations = [seeded.Organisation(slug, slug.title(), 9421, 9422) for slug in slugs[:1]]
    organisations += [seeded.Organisation(slug, slug.title(), 9431, 9432) for slug in slugs[1:]]
    monkeypatch.setattr(seeded, "ORGANISATIONS", tuple(organisations))


def seeds(monkeypatch, slug):
    """Let seeding be about one tenant; say whom it finds there after."""
    about(monkeypatch, slug)
    seeded.seed()
    with context.use(Tenant.objects.get(slug=slug)):
        made_by_hand = Client.objects.filter(registration_source="manual", agent__isnull=False)
        handovers = Handover.objects.values_list("agent__name", "to_agent__name")
        return set(made_by_hand.values_list("client_id", flat=True)), sorted(handovers)


def test_a_database_from_before_is_brought_the_agents_that_work_together_once(monkeypatch):
    slug = f"t-{secrets.token_hex(6)}"
    with monkeypatch.context() as before:
        before.setattr(seeded, "_introduce_team", lambda: None)
        before.setattr(seeded, "_employ_job", lambda organisation: None)
        assert seeds(before, slug) == ({seeded.NIGHTLY_REPORT}, [])
    everybody = {seeded.NIGHTLY_REPORT, *seeded.TEAM, seeded.STRANGER, seeded_across.JOB}
    may_hand_on = [("Orchestrator", "Researcher"), ("Researcher", "Summariser")]
    assert seeds(monkeypatch, slug) == (everybody, may_hand_on)
    assert seeds(monkeypatch, slug) == (everybody, may_hand_on)


def crossing(slugs):
    """Say what leads from the first tenant to the second: audiences, rules and names there; issuers and links here."""
    home, there = (Tenant.objects.get(slug=slug) for slug in slugs)
    with context.use(home):
        sent = (
            [(each.issuer, each.resources) for each in Audience.objects.all()],
            [(each.client.client_id, each.resource, each.everyone) for each in AssertionRule.objects.all()],
            [each.client_id_there for each in NameElsewhere.objects.all()],
        )
    with context.use(there):
        links = SubjectLink.objects.values_list("issuer__issuer", "member__user__email")
        received = ([(each.issuer, each.clients) for each in TrustedIssuer.objects.all()], list(links))
    return home, there, sent, received


def test_a_database_from_before_is_brought_the_way_from_one_company_to_the_other_once(monkeypatch):
    slugs = [f"t-{secrets.token_hex(6)}" for _ in range(2)]
    about(monkeypatch, *slugs)
    with monkeypatch.context() as before:
        before.setattr(seeded, "_let_across", lambda home, there, organisation: None)
        seeded.seed()
    assert crossing(slugs)[2:] == (([], [], []), ([], []))
    for _ in range(2):
        seeded.seed()
        home, there, sent, received = crossing(slugs)
        resource = "http://localhost:9432/mcp"
        assert sent == (
            [(there.issuer, {resource: ["notes:read", "notes:write"]})],
            [(seeded_across.COURIER, resource, True)],
            [seeded_across.COURIER_THERE],
        )
        assert received == (
            [(home.issuer, [seeded_across.COURIER_THERE])],
            [(home.issuer, f"alice@{there.slug}.example")],
        )


def test_no_way_leads_to_a_tenant_that_the_demonstration_did_not_open(monkeypatch, world):
    slugs = [f"t-{secrets.token_hex(6)}", world.tenant.slug]
    about(monkeypatch, *slugs)
    seeded.seed()
    assert crossing(slugs)[2:] == (([], [], []), ([], []))


def test_a_tenant_that_the_demonstration_did_not_open_gets_nobody(monkeypatch, world):
    assert seeds(monkeypatch, world.tenant.slug) == (set(), [])


def test_the_demo_goes_as_told_and_again_and_stops_where_it_cannot(origin):
    alone = f"http://localhost:{free_port()}"
    goes_as_told(alone)  # It starts a server of its own, and stops it.
    command = [sys.executable, "manage.py", "up", "--quiet"]
    with running.process(command, f"{alone}/livez", **PLAIN, REMIT_PUBLIC_ORIGIN=alone):
        goes_as_told(alone)
        with running.protected_server(stage.NOTES, f"{alone}/t/acme", "Notes", "notes:read", "notes:write"):
            stops(alone, f"port {stage.NOTES} is taken")
        with socket.create_server(("127.0.0.1", stage.DOCUMENTS)):
            stops(alone, f"port {stage.DOCUMENTS} is taken")
    # The server of the suite lets other hosts be on loopback.
    stops(origin, f"Remit at {origin} did not fetch https://{seeded.DOCUMENT_HOST}/")
