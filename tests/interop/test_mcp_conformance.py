"""The MCP project's own conformance suite: its scenarios for authorization servers, from npm and unmodified."""

import json
import re
import shutil
import subprocess
import threading

import httpx
import pytest

from tests.harness.server import free_port
from tests.interop import node_client
from tests.interop.person import comes_back
from tests.interop.ways import shows
from tests.spec import spec

pytestmark = pytest.mark.interop
SUITE = "node_modules/@modelcontextprotocol/conformance/dist/index.js"
METADATA, CODE = "authorization-server-metadata-endpoint", "authorization-code-grant"
ADDRESS = re.compile(r"http\S+/authorize\?\S+")


@shows("MCP conformance suite", METADATA)
@shows("MCP conformance suite", CODE)
@spec("MCP", "authorization")
def test_the_conformance_suite_finds_nothing_to_say_against_the_authorization_server(world, tmp_path):
    if node_client.missing():
        pytest.skip(node_client.missing())
    port = free_port()
    # It comes as a public client wherever there may be one, and would not use a secret.
    who = world.public_client(redirect_uris=[f"http://127.0.0.1:{port}/callback"])
    words = ["--url", world.tenant.issuer, "--client-id", who.id, "--resource", world.calendar.identifier]
    judge(world, *words, "--port", str(port), "--output-dir", str(tmp_path))
    found = {}
    for checks in tmp_path.rglob("checks.json"):
        found |= {check["id"]: check["status"] for check in json.loads(checks.read_text())}
    assert set(found.values()) == {"SUCCESS"}, found
    assert found.keys() == {"authorization-server-metadata", "authorization-server-metadata-cimd", CODE}


def judge(world, *words):
    """Run the suite; where it asks a person to open an address, alice does."""
    command = [shutil.which("node"), "--import", "./older_node.mjs", SUITE, "authorization", *words]
    pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.STDOUT}
    with subprocess.Popen(command, cwd=node_client.HERE, text=True, **pipes) as process:
        told = []
        for line in process.stdout:
            told.append(line)
            if asked := ADDRESS.search(line):
                threading.Thread(target=lambda url: httpx.get(comes_back(world, url)), args=(asked[0],)).start()
    assert process.returncode == 0, "".join(told)
