"""Metrics: on a port of their own, about what waits and how long it took, and nothing that a stranger wrote."""

import os
import socket

import httpx
import pytest
from django.conf import settings
from prometheus_client.parser import text_string_to_metric_families

from agents.models import Approval
from kit import context
from remit import metrics
from tests.harness import server


def scrape(port=""):
    """Return the samples by name and labels."""
    answer = httpx.get(f"http://127.0.0.1:{port or os.environ['REMIT_METRICS_PORT']}/metrics", timeout=20)
    assert answer.status_code == 200
    families = text_string_to_metric_families(answer.text)
    return {(each.name, *sorted(each.labels.values())): each.value for family in families for each in family.samples}


def test_a_token_is_timed_by_its_grant_and_a_refusal_counted_by_its_code_and_room(world):
    worker, before = world.worker(), scrape()
    assert world.own_token(worker).status_code == 200
    assert world.own_token(worker, scope="events:invent").json()["error"] == "invalid_scope"
    assert world.token(worker, {"grant_type": "of-my-own-making"}).status_code == 400
    after = scrape()

    def gained(*sample):
        return after.get(sample, 0) - before.get(sample, 0)

    assert gained("remit_token_seconds_count", "client_credentials") == 2
    assert gained("remit_refusals_total", "invalid_scope", "proof") == 1
    assert gained("remit_refusals_total", "request", "unsupported_grant_type") == 1
    assert "of-my-own-making" not in str(after.keys())


def test_what_waits_is_counted_with_its_age_and_an_end_with_the_time_to_its_last_token(world):
    before = scrape()
    scout = world.public_client()
    world.grant(scout)
    with context.use(world.tenant):
        Approval.objects.create(agent=scout.client.agent, client=scout.client, kind=Approval.Kind.ADMISSION, asked={})
    (held,) = [each for each in world.delegations() if each.agent_id == scout.client.agent_id]
    world.rewrite(held, ended_at=held.created_at)
    after = scrape()
    assert after[("remit_approvals_waiting",)] == before[("remit_approvals_waiting",)] + 1
    assert after[("remit_approvals_oldest_seconds",)] >= 0
    assert 0 < after[("remit_revocation_lag_seconds",)] <= 3600
    assert after[("remit_key_age_seconds", "ES256")] > 0
    assert after[("remit_database_up",)] == 1
    for name in (
        "clock_seconds",
        "clock_late_jobs",
        "dead_letters",
        "ledger_unsealed_seconds",
        "ledgers_broken",
        "notices_waiting",
        "jobs_waiting",
        "deliveries_waiting",
        "jobs_oldest_seconds",
    ):
        assert (f"remit_{name}",) in after


def test_they_are_not_on_the_port_that_clients_reach(world):
    assert world.http.get(f"{world.origin}/metrics").status_code == 404


@pytest.mark.postgresql
def test_a_database_that_is_away_is_a_metric_and_no_error(world):
    port, away = str(server.free_port()), "postgresql://remit_test_operator@127.0.0.1:1/nowhere"
    settings_of_it = {"REMIT_METRICS_PORT": port, "REMIT_DATABASE_OPERATOR_URL": away}
    with server.running(extra=settings_of_it, port=str(server.free_port())):
        assert scrape(port)[("remit_database_up",)] == 0


def test_one_worker_holds_the_port_and_the_next_takes_it_over(monkeypatch):
    monkeypatch.setattr(metrics, "AGAIN", 0.05)
    monkeypatch.setattr(metrics, "_registry", lambda: metrics.CollectorRegistry())
    with socket.socket() as holder:
        holder.bind(("127.0.0.1", 0))
        holder.listen()
        port = holder.getsockname()[1]
        monkeypatch.setattr(settings, "METRICS_PORT", port)
        metrics.serve()
    for _ in range(200):
        try:
            assert httpx.get(f"http://127.0.0.1:{port}/metrics", timeout=2).status_code == 200
            return
        except httpx.TransportError:
            continue
    pytest.fail("nobody took the port over")
