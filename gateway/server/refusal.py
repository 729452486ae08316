"""Why a client is turned away before it has a session."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from http import HTTPStatus


@dataclass(frozen=True, slots=True)
class Refusal:
    """Becomes the answer to the client's HTTP request. ``reason`` is for the metrics, one word.

    ``retry_after_s`` is when it may be worth another try.
    """

    status: HTTPStatus
    reason: str
    code: str
    message: str
    param: str | None = None
    retry_after_s: float | None = None
    more_headers: Mapping[str, str] = field(default_factory=dict)

    @property
    def body(self) -> dict[str, object]:
        """An error in the form of the API's."""
        kind = "server_error" if self.status >= HTTPStatus.INTERNAL_SERVER_ERROR else "invalid_request_error"
        error = {"type": kind, "code": self.code, "message": self.message, "param": self.param}
        return {"error": error}

    @property
    def headers(self) -> dict[str, str]:
        headers = dict(self.more_headers)
        if self.retry_after_s is not None:
            headers["Retry-After"] = str(max(math.ceil(self.retry_after_s), 1))
        return headers
