import pytest

from functions.adapters.local.images import PillowImages
from tests.contracts.images import ImageProcessorContract


class TestPillowImages(ImageProcessorContract):
    @pytest.fixture
    def images(self) -> PillowImages:
        return PillowImages()
