"""An HTTPS server on loopback that misbehaves as its paths say, with a certificate authority of its own."""

import datetime
import gzip
import socket
import ssl
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

Answer = Callable[[ssl.SSLSocket], None]
OK = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n"


def authority(folder: Path) -> tuple[Path, Path]:
    """Make a CA and a certificate for localhost; return the CA's file and the server's chain-and-key file."""
    now = datetime.datetime.now(datetime.UTC)
    ca_key, key = (ec.generate_private_key(ec.SECP256R1()) for _ in range(2))
    ca_name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "CA of a test")])

    def builder(subject: x509.Name, public: ec.EllipticCurvePublicKey) -> x509.CertificateBuilder:
        made = x509.CertificateBuilder().subject_name(subject).issuer_name(ca_name).public_key(public)
        made = made.serial_number(x509.random_serial_number()).not_valid_before(now - datetime.timedelta(hours=1))
        return made.not_valid_after(now + datetime.timedelta(days=2))

    usage = x509.KeyUsage(
        digital_signature=True, key_cert_sign=True, crl_sign=True, content_commitment=False, key_encipherment=False,
        data_encipherment=False, key_agreement=False, encipher_only=False, decipher_only=False,
    )  # fmt: skip
    ca = builder(ca_name, ca_key.public_key()).add_extension(x509.BasicConstraints(True, 0), True)
    ca = ca.add_extension(usage, True)
    ca = ca.add_extension(x509.SubjectKeyIdentifier.from_public_key(ca_key.public_key()), False)
    signed_ca = ca.sign(ca_key, hashes.SHA256())
    leaf = builder(x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "localhost")]), key.public_key())
    leaf = leaf.add_extension(x509.SubjectAlternativeName([x509.DNSName("localhost")]), False)
    leaf = leaf.add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(ca_key.public_key()), False)
    signed = leaf.sign(ca_key, hashes.SHA256())
    ca_file, chain = folder / "ca.pem", folder / "server.pem"
    ca_file.write_bytes(signed_ca.public_bytes(serialization.Encoding.PEM))
    private = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    chain.write_bytes(private + signed.public_bytes(serialization.Encoding.PEM))
    return ca_file, chain


def json_answer(body: bytes, *, headers: bytes = b"") -> Answer:
    def answer(connection: ssl.SSLSocket) -> None:
        connection.sendall(OK + headers + b"Content-Length: %d\r\n\r\n" % len(body) + body)

    return answer


def redirect(connection: ssl.SSLSocket) -> None:
    connection.sendall(b"HTTP/1.1 302 Found\r\nLocation: /good\r\nContent-Length: 0\r\n\r\n")


def status(line: str, headers: bytes = b"", body: bytes = b"{}") -> Answer:
    """An answer with this status line, whole and at once."""

    def answer(connection: ssl.SSLSocket) -> None:
        head = f"HTTP/1.1 {line}\r\nContent-Type: application/json\r\n".encode()
        connection.sendall(head + headers + b"Content-Length: %d\r\n\r\n" % len(body) + body)

    return answer


def dripping(head: bytes, byte: bytes, every: float = 1) -> Answer:
    """An answer that begins, and then goes on a byte at a time for ever."""

    def answer(connection: ssl.SSLSocket) -> None:
        connection.sendall(head)
        while True:
            time.sleep(every)
            connection.sendall(byte)

    return answer


DRIP_BODY = (OK + b"Content-Length: 1000\r\n\r\n{", b" ")
DRIP_HEADERS = (b"HTTP/1.1 200 OK\r\nX: ", b"a")
drip, drip_headers = dripping(*DRIP_BODY), dripping(*DRIP_HEADERS)


def endless(connection: ssl.SSLSocket) -> None:
    connection.sendall(OK + b"\r\n{")
    while True:
        connection.sendall(b" " * 65536)


def bomb(connection: ssl.SSLSocket) -> None:
    body = gzip.compress(b"{" + b" " * 10_000_000 + b"}")
    json_answer(body, headers=b"Content-Encoding: gzip\r\n")(connection)


def many_headers(connection: ssl.SSLSocket) -> None:
    connection.sendall(OK + b"X-Long: " + b"a" * 100_000 + b"\r\n\r\n{}")


def silent(connection: ssl.SSLSocket) -> None:
    time.sleep(30)


@dataclass(frozen=True)
class Told:
    """What somebody sent: where to, under which headers (in small letters), and what."""

    path: str
    headers: dict[str, str]
    body: bytes


@dataclass
class Hostile:
    """The server: what it answers by path, and what it saw."""

    port: int
    ca_file: str
    answers: dict[str, Answer] = field(default_factory=dict)
    guards: dict[str, Callable[[Told], Answer]] = field(default_factory=dict)
    """Paths whose answer depends on what was sent: what chooses it."""
    seen: list[str] = field(default_factory=list)
    told: list[Told] = field(default_factory=list)
    """Each POST, before it was answered."""
    knocks: int = 0
    """How often somebody connected, whatever came of it."""

    @property
    def authority(self) -> str:
        return f"localhost:{self.port}"

    def url(self, path: str) -> str:
        return f"https://{self.authority}{path}"


def _told(path: str, request: bytes, connection: ssl.SSLSocket) -> Told:
    head, _, body = request.partition(b"\r\n\r\n")
    lines = [line.partition(": ") for line in head.decode("latin-1").split("\r\n")[1:]]
    headers = {name.lower(): value for name, _, value in lines}
    while len(body) < int(headers.get("content-length", 0)) and (more := connection.recv(65536)):
        body += more
    return Told(path, headers, body)


@contextmanager
def serving(folder: Path, port: int = 0) -> Iterator[Hostile]:
    """Serve on a loopback port, by default a free one, until the block ends."""
    ca_file, chain = authority(folder)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(chain)
    listener = socket.create_server(("127.0.0.1", port))
    server = Hostile(listener.getsockname()[1], str(ca_file))

    def accept() -> None:
        while True:
            try:
                raw, _ = listener.accept()
            except OSError:
                return
            server.knocks += 1
            threading.Thread(target=handle, args=(raw,), daemon=True).start()

    def handle(raw: socket.socket) -> None:
        with suppress(OSError, ssl.SSLError), context.wrap_socket(raw, server_side=True) as connection:
            request = connection.recv(65536)
            path = request.split(b" ")[1].decode("latin-1")
            server.seen.append(path)
            if request.startswith(b"POST"):
                server.told.append(_told(path, request, connection))
            if guard := server.guards.get(path):
                guard(_told(path, request, connection))(connection)
                return
            server.answers.get(path, json_answer(b"{}"))(connection)

    thread = threading.Thread(target=accept, daemon=True)
    thread.start()
    try:
        yield server
    finally:
        listener.shutdown(socket.SHUT_RDWR)
        listener.close()
        thread.join(timeout=5)
