import pytest

from functions.adapters.local.clock import FixedClock
from functions.adapters.local.object_store import MemoryObjectStore
from tests.contracts.object_store import ObjectStoreContract


class TestMemoryObjectStore(ObjectStoreContract):
    @pytest.fixture
    def store(self) -> MemoryObjectStore:
        return MemoryObjectStore(FixedClock())
