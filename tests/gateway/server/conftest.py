"""A service of which a test says how busy it is, and sessions that do as a test says."""

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


class Sessions:
    """Opens scripted sessions and keeps them for the test to look at."""

    def __init__(self, scripted):
        self._scripted = scripted
        self.live = []
        self.models = []
        self.names = []
        self.tenants = []
        self.visits = []
        self.failure = None
        self.early = ()

    async def __call__(self, visit, emit):
        if self.failure:
            raise self.failure
        self.models.append(visit.model)
        self.names.append(visit.session)
        self.tenants.append(visit.party.tenant)
        self.visits.append(visit)
        self.live.append(self._scripted(emit))
        for event in self.early:
            emit(event)
        return self.live[-1]


@pytest.fixture
def sessions(scripted):
    return Sessions(scripted)
