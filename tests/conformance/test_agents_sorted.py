"""Agents sorted by what is worth a second look: the page and the API alike, whatever the size of a page."""

import csv
import importlib
import io
import json
import re
from datetime import UTC, datetime, timedelta
from types import SimpleNamespace

import pytest
from django.apps import apps
from django.conf import settings
from django.db import connection, connections, transaction
from django.utils import timezone

from agents.models import Agent, Client
from kit import context
from tests.conformance.test_api import api_token
from tests.harness.world import REDIRECT, make
from tests.spec import spec

AGENTS = "/console/agents"


def said_of(name):
    """Return what a client says of itself under a name (RFC 7591 §2)."""
    return {"client_name": name, "redirect_uris": [REDIRECT], "token_endpoint_auth_method": "none"}


HEADINGS = {"risk": "Status and risk", "refused": "Refused", "secret": "Secret"}


@pytest.fixture(scope="module")
def world(origin, http):
    """One tenant for all of these, with agents of every kind of risk, secret and refusal, two of each at least."""
    world = make(origin, http)
    world.helper("Ledger")
    made = {name: world.public_client(name) for name in ("1edger", "Onlooker", "Bystander")}
    made |= {name: world.secret_client(name) for name in ("Clerk", "Planner")}
    made |= {name: world.helper(name) for name in ("Porter", "Runner")}
    for days, name in ((412, "Clerk"), (30, "Porter"), (90, "Runner")):
        world.rewrite(made[name].client, created=timezone.now() - timedelta(days=days))
    later = {"id": "sec_later", "digest": "", "made_at": datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC).isoformat()}
    newest = {"id": "sec_newest", "digest": "", "made_at": timezone.now().isoformat()}
    world.rewrite(made["Planner"].client, client_secret="", further_secrets=[later, newest])
    for times, name in ((2, "Porter"), (1, "Runner")):
        for _ in range(times):
            world.own_token(made[name], scope="events:write")
    world.grant(made["Bystander"], scope="events:write")
    yield world
    world.close()


@pytest.fixture(scope="module")
def ada(world):
    return world.browser("ada")


@pytest.fixture(scope="module")
def api(world):
    token = api_token(world, world.public_client("Console app"), "ada", "agents:read agents:write")
    headers = {"Authorization": f"Bearer {token}"}

    def call(path, method="GET", version="", **content):
        read = {"If-Match": version} if version else {}
        return world.http.request(method, world.url(f"/api/v1/{path}"), headers={**headers, **read}, **content)

    return call


def rows(api, query, limit):
    """Return all agents of a list, page by page."""
    found, cursor = [], ""
    while True:
        page = api(f"agents?{query}&limit={limit}{f'&cursor={cursor}' if cursor else ''}").json()
        found += page["agents"]
        cursor = page["next"]
        if not cursor:
            return found


def rank(row):
    return 2 if row["is_high_risk"] else int(row["registration"] != "manual")


KEYS = {
    "risk": lambda row: (-rank(row), _behind(row)),
    "refused": lambda row: (-row["refused_within_a_week"], _behind(row)),
    "secret": lambda row: (row["oldest_secret_at"] or "9999", row["id"]),
    "name": lambda row: (row["name"].lower(), row["id"]),
    "oldest": lambda row: row["id"],
    "newest": lambda row: _behind(row),
}


def _behind(row):
    return [-ord(letter) for letter in row["id"]]


@pytest.mark.parametrize("limit", [200, 1, 2])
@pytest.mark.parametrize("order", KEYS)
def test_a_list_in_an_order_has_every_agent_once_in_it_however_long_its_pages_are(api, order, limit):
    found = rows(api, f"order={order}", limit)
    assert len({row["id"] for row in found}) == len(found) > 8
    assert found == sorted(found, key=KEYS[order])


def test_the_orders_sort_by_something_and_agents_without_it_stand_behind(api):
    names = {order: [row["name"] for row in rows(api, f"order={order}", 200)] for order in HEADINGS}
    assert set(names["risk"][:3]) == {"1edger", "Bystander", "Console app"}  # The app may change agents.
    assert names["refused"][:2] == ["Porter", "Runner"]
    assert names["secret"][:4] == ["Clerk", "Planner", "Runner", "Porter"]
    assert set(names["secret"][-4:]) == {"1edger", "Onlooker", "Bystander", "Console app"}


def test_a_word_that_is_no_order_is_refused_with_those_that_are(api):
    answer = api("agents?order=size")
    assert answer.status_code == 400
    assert "order is one of newest, oldest, name, risk, secret, refused." in answer.text
    assert api("agents?order=risk").status_code == 200


@pytest.mark.parametrize("order", HEADINGS)
def test_the_page_sorts_as_the_api_does_page_by_page(world, ada, api, monkeypatch, order):
    wanted = [row["id"] for row in rows(api, f"order={order}", 200)]
    page = ada.go(world.url(f"{AGENTS}?order={order}"))
    assert f"GET {world.tenant.issuer}/api/v1/agents?order={order}</code>" in page.text
    heading = re.search(rf'aria-sort="(\w+)"><a [^>]*>{HEADINGS[order]}<', page.text)
    assert heading
    assert heading[1] == ("ascending" if order == "secret" else "descending")
    assert re.findall(r'name="ids" value="(agt_\w+)"', page.text) == wanted
    behind = ada.go(world.url(f"{AGENTS}?order={order}&before={wanted[3]}"))
    assert re.findall(r'name="ids" value="(agt_\w+)"', behind.text) == wanted[4:]
    back = ada.go(world.url(f"{AGENTS}?order={order}&after={wanted[3]}"))
    assert re.findall(r'name="ids" value="(agt_\w+)"', back.text) == wanted[:3]


@pytest.mark.parametrize("place", ["page", "api"])
def test_a_file_holds_risks_secrets_and_refusals_as_the_list_does(world, ada, api, place):
    listed = {row["id"]: row for row in rows(api, "order=newest", 200)}
    get = api if place == "api" else lambda path: ada.go(world.url(f"/console/{path}"))
    as_json = get("agents/export/json").json()
    as_csv = list(csv.DictReader(io.StringIO(get("agents/export/csv").text)))
    assert len(as_json) == len(as_csv) == len(listed)
    for written, line in zip(as_json, as_csv, strict=True):
        row = listed[written["id"]]
        assert written["refused_within_a_week"] == row["refused_within_a_week"] == int(line["refused_within_a_week"])
        assert written["is_high_risk"] == row["is_high_risk"] == (line["is_high_risk"] == "True")
        assert written["risks"] == [each["rule"] for each in row["risks"]] == line["risks"].split()
        moment = row["oldest_secret_at"] and datetime.fromisoformat(row["oldest_secret_at"])
        assert written["oldest_secret_at"] == (moment and moment.isoformat()) == (line["oldest_secret_at"] or None)
    assert {"1edger", "Bystander", "Console app"} == {each["name"] for each in as_json if each["is_high_risk"]}
    assert 2 in {each["refused_within_a_week"] for each in as_json}


@spec("RFC 9700", "2.1")
def test_an_agent_that_changes_its_name_is_seen_anew_wherever_lists_ask(world, api):
    def high():
        return {row["name"] for row in api("agents?high_risk=true&limit=200").json()["agents"]}

    registered = world.http.post(world.url("/register"), json=said_of("Harmless")).json()
    assert not high() & {"Harmless", "Leclger", "L3dger", "Тable"}
    manage = {"Authorization": f"Bearer {registered['registration_access_token']}"}
    for name, is_high in (("L3dger", True), ("Harmless", False), ("Tаble", True)):
        document = {**said_of(name), "client_id": registered["client_id"]}
        answer = world.http.put(registered["registration_client_uri"], json=document, headers=manage)
        assert answer.status_code == 200
        with context.use(world.tenant):
            agent = Agent.objects.get(clients__client_id=registered["client_id"])
        assert (agent.name in high()) == is_high
        assert api(f"agents/{agent.pk}").json()["is_high_risk"] == is_high
    plain = world.helper("Quill")
    copy = world.public_client("Stencil")
    assert "Stencil" not in high()
    version = api(f"agents/{plain.client.agent_id}").headers["etag"]
    changed = api(f"agents/{plain.client.agent_id}", "PATCH", version, json={"name": "5tencil"})
    assert changed.status_code == 200
    assert "Stencil" in high()
    assert api(f"agents/{copy.client.agent_id}").json()["is_high_risk"]


@pytest.mark.walks
def test_what_an_earlier_release_made_is_seen_by_its_name_and_the_second_lock_is_shut_again(world, vendor):
    migration = importlib.import_module("agents.migrations.0017_looks_of_what_is_there")
    with context.use(world.tenant):
        before = [list(model.objects.order_by("pk").values()) for model in (Agent, Client)]
        Agent.objects.update(looks="")
        Client.objects.update(looks="", is_odd=True)
    with transaction.atomic(using=settings.OWNER_ALIAS):
        migration.fill(apps, SimpleNamespace(connection=connections[settings.OWNER_ALIAS]))
    with context.use(world.tenant):
        assert [list(model.objects.order_by("pk").values()) for model in (Agent, Client)] == before
    assert "ledger" in json.dumps([row["looks"] for row in before[0]])
    if vendor == "postgresql":
        with connection.cursor() as cursor:
            cursor.execute("SELECT relforcerowsecurity FROM pg_class WHERE relname = ANY(%s)", [list(migration.FILLED)])
            assert cursor.fetchall() == [(True,), (True,)]
