"""The engine that records, for the rules over the whole program."""

from tests.infra.conftest import engine

__all__ = ["engine"]
