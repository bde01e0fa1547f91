import pytest

from functions.adapters.local.clock import FixedClock
from functions.adapters.local.multipart_store import MemoryMultipartStore
from functions.adapters.local.object_store import MemoryObjectStore
from tests.contracts.multipart_store import MultipartStoreContract
from tests.contracts.object_store import ObjectStoreContract


class TestMemoryMultipartStore(MultipartStoreContract):
    @pytest.fixture
    def multipart(self) -> MemoryMultipartStore:
        return MemoryMultipartStore(FixedClock())


class TestMemoryObjectStore(ObjectStoreContract):
    @pytest.fixture
    def store(self) -> MemoryObjectStore:
        return MemoryObjectStore(FixedClock())
