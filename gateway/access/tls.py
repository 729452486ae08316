"""TLS by certificate files, which may be renewed while the server runs."""

from __future__ import annotations

import ssl
from pathlib import Path

from gateway.access.file_stamp import FileStamp, stamp_of
from streams.config import ServerConfig
from streams.errors import ConfigError
from streams.log import get_logger

CERT, KEY = "server.tls_cert", "server.tls_key"

log = get_logger(__name__)


class Certificate:
    """TLS 1.2 and later with a certificate and its key, read again when their files change.

    While the new files cannot be used, as between the writing of the one and of the other, the old
    certificate stays.
    """

    def __init__(self, cert: Path, key: Path) -> None:
        """Raises ConfigError, naming the file, when one is missing, unreadable or not what it should be, or
        the two do not belong together.
        """
        self._cert, self._key = cert.expanduser(), key.expanduser()
        self._stamps = self._stamp()
        self._newest = _load(self._cert, self._key)
        self.context = _load(self._cert, self._key)
        """For a server: every handshake gets the newest certificate."""
        self.context.sni_callback = self._choose

    def _choose(
        self, socket: ssl.SSLSocket | ssl.SSLObject, name: str | None, context: ssl.SSLContext
    ) -> None:
        stamps = self._stamp()
        if stamps != self._stamps:
            try:
                self._newest = _load(self._cert, self._key)
            except ConfigError as error:
                log.warning("certificate_unusable", error=error.message)
            else:
                log.info("certificate_read", file=self._cert)
            self._stamps = stamps
        socket.context = self._newest

    def _stamp(self) -> tuple[FileStamp | None, ...]:
        return stamp_of(self._cert), stamp_of(self._key)


def load_certificate(config: ServerConfig) -> Certificate | None:
    """The configured certificate; None where none is. Raises ConfigError, also when one file is missing."""
    if config.tls_cert is None and config.tls_key is None:
        return None
    if config.tls_cert is None or config.tls_key is None:
        given, missing = (CERT, KEY) if config.tls_key is None else (KEY, CERT)
        raise ConfigError(f"{given} is set and {missing} is not: TLS needs both", param=missing)
    return Certificate(config.tls_cert, config.tls_key)


def _load(cert: Path, key: Path) -> ssl.SSLContext:
    _check(cert, "CERTIFICATE-----", "certificate", CERT)
    _check(key, "PRIVATE KEY-----", "private key", KEY)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    try:
        context.load_cert_chain(cert, key, password=lambda: _refuse_password(key))
    except ssl.SSLError as error:
        if error.reason == "KEY_VALUES_MISMATCH":
            message = f"{key} is not the private key of the certificate in {cert}"
            raise ConfigError(message, param=KEY) from None
        raise ConfigError(f"{cert} or {key} cannot be used for TLS: {error.reason}", param=CERT) from None
    except OSError as error:  # it was there a moment ago
        raise ConfigError(f"cannot read {cert} or {key}: {error.strerror}", param=CERT) from None
    return context


def _check(file: Path, mark: str, what: str, param: str) -> None:
    try:
        text = file.read_text("ascii", "replace")
    except OSError as error:
        raise ConfigError(f"cannot read {file}: {error.strerror}", param=param) from None
    if mark not in text:
        raise ConfigError(f"{file} holds no {what} in PEM form", param=param)


def _refuse_password(key: Path) -> str:
    raise ConfigError(f"{key} is encrypted: a private key without a passphrase is needed", param=KEY)
