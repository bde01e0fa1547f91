"""Hostnames as callers write them, and as the platform keeps them.

Owns what needs the tables of Unicode (IDNA 2008, mapped as UTS 46 asks) and of public suffixes
(publicsuffix.org), which no other Worker carries.
"""

from functools import cache

import idna
from publicsuffixlist import PublicSuffixList

from functions.core import fields, hostnames
from functions.core.repositories import RepositorySettings


@cache
def _suffixes() -> PublicSuffixList:
    # Read at the first hostname, not at a cold start that may be for something else.
    return PublicSuffixList()


def to_a_labels(name: str) -> str:
    """In lower case, without a final dot. What is no hostname comes back much as it is, for
    `hostnames.complaint` to say why."""
    plain = name.strip().lower().removesuffix(".")
    if plain.isascii():
        return plain
    try:
        return idna.encode(plain, uts46=True).decode()
    except idna.IDNAError:
        return plain


def to_unicode(name: str) -> str:
    try:
        return idna.decode(name)
    except idna.IDNAError:
        return name


def checked_name(name: str, settings: RepositorySettings) -> str:
    """The A-labels of a name that can be a tenant's.

    Raises: ProblemError 422 at `/name`.
    """
    found = fields.Collector()
    plain = to_a_labels(name)
    wrong = _complaint(plain, settings)
    if wrong is not None:
        found.add("/name", wrong)
    found.check()
    return plain


def is_apex(name: str) -> bool:
    """Whether it is a registered domain itself, right below a public suffix."""
    return _suffixes().privatesuffix(name) == name


def _complaint(name: str, settings: RepositorySettings) -> str | None:
    if not name.isascii():
        return "must be a hostname; its characters are none that IDNA 2008 allows in a name"
    wrong = hostnames.complaint(name, settings.platform_zone, settings.platform_hosts)
    if wrong is not None:
        return wrong
    try:
        for label in name.split("."):
            if label.startswith("xn--"):
                idna.decode(label)
    except idna.IDNAError:
        return "must not have a label that begins with 'xn--' and is no A-label of IDNA 2008"
    if _suffixes().publicsuffix(name) == name:
        return "must not be a public suffix, under which anybody registers names of their own"
    return None
