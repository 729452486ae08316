"""Certificates, made when they are asked for."""

import datetime
import ipaddress

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    NoEncryption,
    PrivateFormat,
)

NOW = datetime.datetime.now(datetime.UTC)
DAY = datetime.timedelta(days=1)


@pytest.fixture
def certified(tmp_path):
    """Writes a certificate for this machine that vouches for itself, and its key: the files of both."""

    def write(number=1, passphrase=None):
        key = ec.generate_private_key(ec.SECP256R1())
        name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "localhost")])
        this_machine = x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address("127.0.0.1"))])
        builder = x509.CertificateBuilder().subject_name(name).issuer_name(name).public_key(key.public_key())
        builder = builder.serial_number(number).not_valid_before(NOW - DAY).not_valid_after(NOW + DAY)
        cert = builder.add_extension(this_machine, critical=False).sign(key, hashes.SHA256())
        encryption = BestAvailableEncryption(passphrase) if passphrase else NoEncryption()
        files = tmp_path / "cert.pem", tmp_path / "key.pem"
        contents = (
            cert.public_bytes(Encoding.PEM),
            key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, encryption),
        )
        for file, content in zip(files, contents, strict=True):
            file.unlink(missing_ok=True)
            file.write_bytes(content)
        return files

    return write
