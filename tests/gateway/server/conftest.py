"""A service of which a test says how busy it is."""

import pytest

from streams.errors import MemoryStoreError


class ScriptedService:
    def __init__(self):
        self.waits_s = {"llm": 0.0, "asr": 0.0}
        self.nbytes = {"device": 1, "ram": 2, "disk": 3}
        self.disk_problem = None

    def worker_waits_s(self):
        return self.waits_s

    def memory_bytes(self):
        if self.disk_problem:
            raise MemoryStoreError(self.disk_problem)
        return self.nbytes

    def check_writable(self):
        if self.disk_problem:
            raise MemoryStoreError(self.disk_problem)


@pytest.fixture
def service():
    return ScriptedService()
