"""The product's own settings on a database and a port of this test process alone.

`REMIT_TEST_DATABASE` is `postgresql` (default) or `sqlite`; `REMIT_TEST_POSTGRESQL_URL` names a superuser;
`REMIT_TEST_NAME` keeps two runs on one computer apart.
"""

import os
import socket
import tempfile
from pathlib import Path
from urllib.parse import urlsplit

WORKER = os.environ.get("REMIT_TEST_NAME", "") + os.environ.get("PYTEST_XDIST_WORKER", "main")
KIND = os.environ.setdefault("REMIT_TEST_DATABASE", "postgresql")
SUPERUSER = os.environ.setdefault("REMIT_TEST_POSTGRESQL_URL", "postgresql://postgres@127.0.0.1:5432/postgres")
FOLDER = Path(tempfile.gettempdir()) / f"remit-tests-{os.getuid()}-{KIND}-{WORKER}"
DATABASE = f"remit_test_{WORKER}"


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


if os.environ.get("REMIT_TEST_PORT_OF") != WORKER:
    ports = ("REMIT_TEST_PORT", "REMIT_TEST_DOCUMENTS_PORT", "REMIT_TEST_PROVIDER_PORT", "REMIT_METRICS_PORT")
    os.environ |= {name: str(_free_port()) for name in ports}
    os.environ["REMIT_TEST_PORT_OF"] = WORKER

FOLDER.mkdir(exist_ok=True)
(FOLDER / "static").mkdir(exist_ok=True)
os.environ |= {
    "REMIT_PUBLIC_ORIGIN": f"http://localhost:{os.environ['REMIT_TEST_PORT']}",
    "REMIT_SECRET_KEY": "only-for-tests-0123456789-abcdefghijklmnopqrstuvwxyz-ABCDEFG",
    "REMIT_SEALING_KEYS": "b25seS1mb3ItdGVzdHMtb25seS1mb3ItdGVzdHMtMTE",
    "REMIT_STATIC_ROOT": str(FOLDER / "static"),
    "REMIT_CACHE_SECONDS": "1",
    "REMIT_MAIL_URL": f"filemail:///{FOLDER / 'mail'}",
    "REMIT_OPERATORS_PATH": "operators-of-tests",
    "REMIT_FETCH_LOOPBACK_HOSTS": ",".join(
        f"localhost:{os.environ[name]}" for name in ("REMIT_TEST_DOCUMENTS_PORT", "REMIT_TEST_PROVIDER_PORT")
    ),
    "REMIT_FETCH_CA_FILE": str(FOLDER / "ca.pem"),
    "REMIT_FETCHES_PER_MINUTE": "1000",
    "REMIT_REGISTRATIONS_PER_MINUTE": "100000",
    "REMIT_DEVICE_REQUESTS_PER_MINUTE": "100000",
    "REMIT_TENANT_REGISTRATIONS_PER_MINUTE": "100000",
    "REMIT_API_REQUESTS_PER_MINUTE": "100000",
    "REMIT_TENANT_API_REQUESTS_PER_MINUTE": "100000",
    "REMIT_SIGN_INS_PER_MINUTE": "100000",
    "REMIT_FAILED_SIGN_INS": "100000/m/ip,5/300s/key",
}
if KIND == "postgresql":
    place = urlsplit(SUPERUSER)
    host = place.netloc.rpartition("@")[2]
    os.environ |= {
        "REMIT_DATABASE_URL": f"postgresql://remit_test_app@{host}/{DATABASE}",
        "REMIT_DATABASE_OWNER_URL": f"postgresql://remit_test_owner@{host}/{DATABASE}",
        "REMIT_DATABASE_OPERATOR_URL": f"postgresql://remit_test_operator@{host}/{DATABASE}",
    }
else:
    os.environ["REMIT_DATABASE_URL"] = f"sqlite:///{FOLDER / 'remit.sqlite3'}"

from remit.settings import *  # noqa: E402, F403 - the environment comes first

# The product's own hasher, at a cost that hundreds of sign-ins can bear.
PASSWORD_HASHERS = ["tests.harness.hashing.CheapScrypt"]
