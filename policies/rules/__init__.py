"""The rules, one module each. Only relative imports, so that the pack and the tests both can load
them."""

from collections.abc import Sequence

from pulumi_policy import Policy

from . import exposure, lifecycle, plain_text

POLICIES: Sequence[Policy] = (*exposure.POLICIES, *lifecycle.POLICIES, *plain_text.POLICIES)

__all__ = ["POLICIES"]
