"""The rules of a hostname's life, without anything around them."""

from typing import Literal, get_args, get_origin

import pytest
from cloudflare.types.custom_hostnames import custom_hostname_get_response as documented
from hypothesis import given
from hypothesis import strategies as st

from functions.core.hostname_states import (
    CERTIFICATE_STATUSES,
    HOSTNAME_STATUSES,
    STATES,
    CertificateClass,
    HostnameClass,
    RecordState,
    Signals,
    State,
    after_failure,
    certificate_class,
    hostname_class,
    is_provable,
    next_look,
    proven_state,
    wants_refresh,
)
from functions.core.platform import DAY_MS, HOUR_MS

HOSTNAME_CLASSES: tuple[HostnameClass, ...] = get_args(HostnameClass)
CERTIFICATE_CLASSES: tuple[CertificateClass, ...] = get_args(CertificateClass)
RECORD_STATES: tuple[RecordState, ...] = get_args(RecordState)


def documented_statuses(model: type) -> set[str]:
    """As Cloudflare's own SDK lists them."""
    (literal,) = (
        kind for kind in get_args(model.__annotations__["status"]) if get_origin(kind) is Literal
    )
    return set(get_args(literal))


def test_every_status_of_cloudflares_api_is_mapped() -> None:
    assert set(HOSTNAME_STATUSES) == documented_statuses(documented.CustomHostnameGetResponse)
    assert set(CERTIFICATE_STATUSES) == documented_statuses(documented.SSL)


def test_what_cloudflare_does_not_document_is_unknown() -> None:
    assert hostname_class("new") == certificate_class("new") == "unknown"
    assert (hostname_class(None), certificate_class(None)) == ("gone", "pending")


signals = st.builds(
    Signals,
    st.sampled_from(STATES),
    st.sampled_from(RECORD_STATES),
    st.sampled_from(RECORD_STATES),
    st.sampled_from(HOSTNAME_CLASSES),
    st.sampled_from(CERTIFICATE_CLASSES),
)


@given(signals)
def test_only_a_found_challenge_proves(seen: Signals) -> None:
    if is_provable(seen):
        assert seen.challenge == "ok"
        assert seen.state != "moved" or seen.routing == "ok"


@given(signals)
def test_active_is_only_what_cloudflare_has_attached(seen: Signals) -> None:
    if proven_state(seen) == "active" and seen.state != "active":
        assert (seen.hostname, seen.certificate) == ("active", "serving")


@given(signals)
def test_moved_is_only_what_neither_finds_here(seen: Signals) -> None:
    if proven_state(seen) == "moved" and seen.state != "moved":
        assert seen.hostname == "moved"
        assert seen.routing in ("missing", "wrong")


@given(signals)
def test_what_is_not_known_changes_nothing(seen: Signals) -> None:
    if seen.hostname in ("unknown", "gone"):
        assert proven_state(seen) == seen.state


@given(signals)
def test_nothing_that_is_under_way_or_well_is_begun_anew(seen: Signals) -> None:
    is_given_up = seen.certificate == "failed" or seen.hostname == "moved"
    assert is_given_up or not wants_refresh(seen, None, 0, 0)


def test_a_refresh_waits_longer_each_time_up_to_a_day() -> None:
    failed = Signals("validating", "ok", "ok", "active", "failed")
    assert wants_refresh(failed, None, 0, 0)
    for refreshes, wait in ((1, HOUR_MS), (2, 2 * HOUR_MS), (4, 8 * HOUR_MS), (90, DAY_MS)):
        assert not wants_refresh(failed, 1000, refreshes, 1000 + wait - 1)
        assert wants_refresh(failed, 1000, refreshes, 1000 + wait)


@pytest.mark.parametrize("state", STATES)
@given(age=st.integers(0, 400 * DAY_MS), jitter=st.floats(0, 1, exclude_max=True))
def test_the_next_look_is_never_at_once_and_within_seven_hours(
    state: State, age: int, jitter: float
) -> None:
    now = 500 * DAY_MS
    wait = next_look(state, now - age, now, jitter) - now
    assert 20_000 <= wait <= 7 * HOUR_MS


def test_looks_at_a_claim_become_rarer_as_nothing_changes() -> None:
    ages = (0, HOUR_MS, 4 * HOUR_MS, DAY_MS)
    waits = [next_look("awaiting_dns", 0, age, 0.5) - age for age in ages]
    assert waits == sorted(waits)
    assert (waits[0], waits[-1]) == (30_000, HOUR_MS)


def test_failures_in_a_row_are_waited_for_ever_longer() -> None:
    waits = [after_failure(failures, 0, 0.5) for failures in range(1, 12)]
    assert waits == sorted(waits)
    assert (waits[0], waits[-1]) == (60_000, HOUR_MS)
