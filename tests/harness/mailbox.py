"""A mail server (RFC 5321) on loopback that keeps what it is given; or refuses, or hangs up, as often as it is told."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from email import message_from_bytes, policy
from email.message import EmailMessage
from socketserver import StreamRequestHandler, ThreadingTCPServer


class Mailbox(ThreadingTCPServer):
    """`troubles` are answered one after the other, each in the place of taking a message; "" hangs up. `strangers` are
    addresses that it does not know.
    """

    allow_reuse_address = daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Conversation)
        self.messages: list[EmailMessage] = []
        self.troubles: list[str] = []
        self.strangers: set[str] = set()

    @property
    def settings(self) -> dict[str, object]:
        """What makes Django send here."""
        backend = "django.core.mail.backends.smtp.EmailBackend"
        return {"EMAIL_BACKEND": backend, "EMAIL_HOST": "127.0.0.1", "EMAIL_PORT": self.server_address[1]}


class _Conversation(StreamRequestHandler):
    server: Mailbox

    def handle(self) -> None:
        self._say("220 ready")
        for raw in self.rfile:
            word = raw[:4].upper()
            if word == b"QUIT":
                self._say("221 bye")
                return
            if word == b"MAIL" and self.server.troubles:
                trouble = self.server.troubles.pop(0)
                if not trouble:
                    return
                self._say(trouble)
                continue
            if word == b"RCPT" and any(address in raw.decode() for address in self.server.strangers):
                self._say("550 nobody of this name")
                continue
            if word == b"DATA":
                self._say("354 go on")
                self._keep()
            self._say("250 fine")

    def _keep(self) -> None:
        lines = []
        for raw in self.rfile:
            if raw == b".\r\n":
                break
            lines.append(raw.removeprefix(b".") if raw.startswith(b"..") else raw)
        self.server.messages.append(message_from_bytes(b"".join(lines), policy=policy.default))

    def _say(self, line: str) -> None:
        self.wfile.write(f"{line}\r\n".encode())


@contextmanager
def listening() -> Iterator[Mailbox]:
    with Mailbox() as box:
        thread = threading.Thread(target=box.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        yield box
        box.shutdown()
        thread.join()
