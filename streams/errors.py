"""The one error tree.

::

    StreamsError
    ├── ConfigError            a setting is unknown or has a wrong value
    ├── ModelError             a model cannot be had or cannot be used
    │   ├── ModelNotFoundError   no such model, file or member
    │   ├── DownloadError        the network or the index did not deliver
    │   ├── IntegrityError       the bytes are not the pinned ones
    │   └── CacheError           the cache cannot be written (full disk, permissions)
    ├── MediaError             a file, picture or sound cannot be decoded
    ├── MemoryStoreError       the memory cannot keep or find a block
    │   └── KeptSessionError     the kept session that was asked for is not to be had
    ├── InvalidRequestError    a client asked for something that is not possible
    └── OverloadError          a bounded queue is full; the caller may try again

Each carries ``code`` (stable, for programs), ``param`` (the field, file or setting at fault, if any)
and a message for people.
"""

from __future__ import annotations


class StreamsError(Exception):
    """Root of every error that Streams raises on purpose."""

    code = "internal_error"

    def __init__(self, message: str, *, param: str | None = None, code: str | None = None) -> None:
        super().__init__(message)
        self.message = message
        self.param = param
        if code is not None:
            self.code = code


class ConfigError(StreamsError):
    code = "invalid_config"


class ModelError(StreamsError):
    code = "model_error"


class ModelNotFoundError(ModelError):
    code = "model_not_found"


class DownloadError(ModelError):
    code = "download_failed"


class IntegrityError(ModelError):
    code = "integrity_error"


class CacheError(ModelError):
    code = "cache_error"


class MediaError(StreamsError):
    code = "invalid_media"


class MemoryStoreError(StreamsError):
    code = "memory_error"


class KeptSessionError(MemoryStoreError):
    """Its name cannot be one, there is none, it is open elsewhere, or another model wrote it."""

    code = "session_error"


class InvalidRequestError(StreamsError):
    code = "invalid_request"


def asked_wrongly(error: Exception) -> bool:
    """Whether ``error`` is of what was asked for, so that asking again the same way fails again."""
    return isinstance(error, InvalidRequestError | MediaError | ConfigError | KeptSessionError)


class OverloadError(StreamsError):
    code = "overloaded"
