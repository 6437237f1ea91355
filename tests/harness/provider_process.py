"""Another library's provider as a process of its own, over https: its port, its certificate."""

import ssl
import sys

import oidc_provider_mock
from werkzeug.serving import make_server


def main(port: str, chain: str) -> None:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(chain)
    make_server("localhost", int(port), oidc_provider_mock.app(), threaded=True, ssl_context=context).serve_forever()


if __name__ == "__main__":
    main(*sys.argv[1:])
