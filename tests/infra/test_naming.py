import pytest

from infra.naming import Names, bucket_name_problem, duplicates, hostname_problem, is_within

NAMES = Names("stowage-dev")


def test_physical_names_begin_with_the_prefix() -> None:
    assert NAMES.bucket("uploads") == "stowage-dev-uploads"
    assert NAMES.bucket("repositories") == "stowage-dev-repositories"
    assert NAMES.worker("edge") == "stowage-dev-edge"
    assert NAMES.validate_queue == "stowage-dev-validate-package"
    assert NAMES.dead_letter_queue == "stowage-dev-validate-package-dead"
    assert NAMES.database == "stowage-dev"


@pytest.mark.parametrize("name", ["abc", "a-b", "0ab", "a" * 63])
def test_r2_takes_the_name(name: str) -> None:
    assert bucket_name_problem(name) is None


@pytest.mark.parametrize("name", ["ab", "a" * 64, "-ab", "ab-", "a_b", "Abc", "a.b", "", "ab\n"])
def test_r2_does_not_take_the_name(name: str) -> None:
    assert bucket_name_problem(name)


@pytest.mark.parametrize(
    "name", ["example.com", "a.b.example.com", "xn--bcher-kva.example", "1.example.com", "a.b"]
)
def test_a_host_name(name: str) -> None:
    assert hostname_problem(name) is None


@pytest.mark.parametrize(
    "name",
    [
        *("localhost", "", "example.com.", ".example.com", "a..b", "-a.example.com", "a-.example"),
        *("*.example.com", "A.example.com", "bücher.example", "a_b.example.com", "192.0.2.1"),
        *("[::1]", "::1", "a.1", "a b.example.com", f"{'a' * 64}.example.com", "a.example.com\n"),
        f"{'a.' * 127}example.com",
    ],
)
def test_not_a_host_name(name: str) -> None:
    assert hostname_problem(name)


def test_a_zone_holds_itself_and_what_is_under_it_by_whole_labels() -> None:
    assert is_within("example.com", "example.com")
    assert is_within("a.b.example.com", "example.com")
    assert not is_within("notexample.com", "example.com")
    assert not is_within("example.com.org", "example.com")


def test_duplicates_are_named_once() -> None:
    assert duplicates(["a", "b", "a", "a", "c", "b"]) == ["a", "b"]


def test_the_longest_name_counts_repository_buckets() -> None:
    assert NAMES.longest(["a" * 40]) == f"stowage-dev-{'a' * 40}"
    assert NAMES.longest([]) == "stowage-dev-validate-package-dead"


def test_counters_of_a_stack_and_of_two_stacks_never_meet() -> None:
    made = {Names(prefix).rate_limit(role) for prefix in ("a", "b") for role in ("address", "key")}
    assert len(made) == 4
    assert all(0 < int(one) < 2**31 for one in made)
