"""A CA for one play. A real agent has no use for this: its site has a certificate that everybody believes already.

The CA may vouch for `localhost` and nothing else, for an hour. Its key signs one certificate and is forgotten before
anybody sees the CA.
"""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

HOST = "localhost"
LIFE = timedelta(hours=1)
CLOCKS_DIFFER = timedelta(minutes=5)


@dataclass(frozen=True, slots=True)
class Certified:
    """A CA's certificate for those who shall believe it, and for its one site a certificate and the private key."""

    ca: bytes
    certificate: bytes
    key: bytes


def certify() -> Certified:
    """Return a new CA and what it vouches for, all of it PEM."""
    ca_key, key = ec.generate_private_key(ec.SECP256R1()), ec.generate_private_key(ec.SECP256R1())
    issuer = _named("CA of one play of make demo")
    ca = _ca(issuer, ca_key)
    site = _site(issuer, ca_key.public_key(), key.public_key()).sign(ca_key, hashes.SHA256())
    private = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    return Certified(ca.public_bytes(Encoding.PEM), site.public_bytes(Encoding.PEM), private)


def _ca(name: x509.Name, key: ec.EllipticCurvePrivateKey) -> x509.Certificate:
    made = _builder(name, name, key.public_key())
    made = made.add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
    made = made.add_extension(_usage(signs_certificates=True), critical=True)
    allowed = x509.NameConstraints(permitted_subtrees=[x509.DNSName(HOST)], excluded_subtrees=None)
    made = made.add_extension(allowed, critical=True)
    made = made.add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
    return made.sign(key, hashes.SHA256())


def _site(
    issuer: x509.Name, ca: ec.EllipticCurvePublicKey, public: ec.EllipticCurvePublicKey
) -> x509.CertificateBuilder:
    made = _builder(_named(HOST), issuer, public)
    made = made.add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
    made = made.add_extension(_usage(signs_certificates=False), critical=True)
    made = made.add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH]), critical=False)
    made = made.add_extension(x509.SubjectAlternativeName([x509.DNSName(HOST)]), critical=False)
    return made.add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(ca), critical=False)


def _builder(subject: x509.Name, issuer: x509.Name, public: ec.EllipticCurvePublicKey) -> x509.CertificateBuilder:
    now = datetime.now(UTC)
    made = x509.CertificateBuilder().subject_name(subject).issuer_name(issuer).public_key(public)
    made = made.serial_number(x509.random_serial_number())
    return made.not_valid_before(now - CLOCKS_DIFFER).not_valid_after(now + LIFE)


def _usage(*, signs_certificates: bool) -> x509.KeyUsage:
    return x509.KeyUsage(
        digital_signature=not signs_certificates, key_cert_sign=signs_certificates, crl_sign=False,
        content_commitment=False, key_encipherment=False, data_encipherment=False, key_agreement=False,
        encipher_only=False, decipher_only=False,
    )  # fmt: skip


def _named(name: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
