"""How long to wait behind a failure."""


def backoff(first: int, longest: int, failures: int, factor: int = 2) -> int:
    """Behind so many failures in a row: `first` behind the first, each time `factor` times as long,
    and never longer than `longest`; in the unit of the two."""
    return min(first * factor ** min(max(failures - 1, 0), 10), longest)
