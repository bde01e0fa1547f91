"""What the tests of the provider share."""

from pathlib import Path

import pytest

from local.provider.kinds import KINDS
from local.provider.schema import Schema
from tests.local.provider_calls import Calls


@pytest.fixture(scope="session")
def types_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The types of the installed SDK as a cloud folder keeps them; reading them takes seconds."""
    folder = tmp_path_factory.mktemp("types")
    Schema.load(folder, list(KINDS))
    (file,) = folder.iterdir()
    return file


@pytest.fixture(scope="session")
def schema(types_file: Path) -> Schema:
    return Schema.load(types_file.parent, list(KINDS))


@pytest.fixture
def calls(tmp_path: Path, schema: Schema) -> Calls:
    return Calls(tmp_path, schema)
