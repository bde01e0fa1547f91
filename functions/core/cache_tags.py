"""The tags under which the edge's caches are purged. Cloudflare compares them without regard to
case; all that stands here is of one case. No tag is another's beginning in a way that would matter:
a purge names whole tags."""


def version(app_id: str, version_code: int) -> str:
    """What is cached of one version."""
    return f"version:{app_id}/{version_code}"


def app(app_id: str) -> str:
    """Packages, icons and screenshots of an app."""
    return f"app:{app_id}"


def images(app_id: str) -> str:
    """The icon and the screenshots of an app, and not its packages with them."""
    return f"images:{app_id}"


def location(location_id: str) -> str:
    """All files of a location."""
    return f"location:{location_id}"


def generation(location_id: str, number: int) -> str:
    """The index files of one publish."""
    return f"generation:{location_id}/{number}"


def hosts_of(location_id: str) -> str:
    """Which hostnames lead to a location. Not the tag of its files: a purge of those must not make
    the edge forget in an outage where a host leads."""
    return f"hosts-of:{location_id}"


def host(name: str) -> str:
    """Where a hostname leads; not the files there, which its location's other hostnames share."""
    return f"host:{name}"
