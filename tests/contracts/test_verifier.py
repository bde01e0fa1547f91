import pytest

from functions.adapters.local.verifier import Ed25519Verifier
from functions.ports.verifier import Verifier
from tests.contracts.verifier import VerifierContract


class TestEd25519Verifier(VerifierContract):
    @pytest.fixture
    def verifier(self) -> Verifier:
        return Ed25519Verifier()
