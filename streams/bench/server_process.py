"""The gateway in a process of its own, as ``streams serve`` runs it."""

from __future__ import annotations

import json
import subprocess
import sys
import threading
from collections import deque
from pathlib import Path
from types import TracebackType

from streams.errors import StreamsError

STOP_S = 20.0
LINES_KEPT = 20


class ServerProcess:
    """Serves while it is entered."""

    def __init__(self, settings_file: Path | None) -> None:
        """The server has the settings of this file and of the environment."""
        self._settings_file = settings_file
        self._process: subprocess.Popen[str] | None = None
        self._log: deque[str] = deque(maxlen=LINES_KEPT)
        self._url = ""
        self._listening = threading.Event()

    def __enter__(self) -> ServerProcess:
        """Return once the server listens. Raises StreamsError, with the end of its log, if it ends first."""
        settings = [] if self._settings_file is None else ["--config", str(self._settings_file)]
        command = [sys.executable, "-m", "streams", *settings, "--log-format", "json", "--log-level", "info"]
        self._process = subprocess.Popen(
            [*command, "serve", "--port", "0"], stderr=subprocess.PIPE, text=True, encoding="utf-8"
        )
        threading.Thread(target=self._read_log, daemon=True).start()
        self._listening.wait()
        if not self._url:
            self.stop()
            raise StreamsError("the server did not start:\n" + "\n".join(self._log))
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    def _read_log(self) -> None:
        assert self._process is not None
        assert self._process.stderr is not None
        for line in self._process.stderr:
            self._log.append(line.rstrip())
            if not self._url and '"listening"' in line:
                self._url = str(json.loads(line)["url"])
                self._listening.set()
        self._listening.set()

    @property
    def url(self) -> str:
        """Of its WebSocket."""
        return self._url

    def stop(self) -> None:
        assert self._process is not None
        self._process.terminate()
        try:
            self._process.wait(STOP_S)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
