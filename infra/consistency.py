"""What must hold between settings that are each right in themselves."""

from collections.abc import Callable, Iterator, Mapping

from infra import storage_consistency
from infra.mistake import Mistake
from infra.naming import bucket_name_problem, duplicates, is_loopback, is_within
from infra.settings import Settings


def _hosts_in_zone(settings: Settings) -> Iterator[Mistake]:
    for key, host in settings.own_hosts.items():
        if not is_within(host, settings.zone):
            yield Mistake(key, f"{host!r} does not lie in the zone {settings.zone!r}")


def _hosts_differ(settings: Settings) -> Iterator[Mistake]:
    for host in duplicates(settings.own_hosts.values()):
        *_, key = (key for key, value in settings.own_hosts.items() if value == host)
        yield Mistake(key, f"{host!r} is taken: the api, cdn and fallback hosts must differ")


def _passthrough_hosts(settings: Settings) -> Iterator[Mistake]:
    for host in settings.passthrough_hosts:
        if not is_within(host, settings.zone):
            yield Mistake(
                "passthroughHosts", f"{host!r} lies outside the zone, so no route catches it"
            )
        if host in settings.own_hosts.values():
            yield Mistake("passthroughHosts", f"{host!r} is one of the platform's own hosts")
    for host in duplicates(settings.passthrough_hosts):
        yield Mistake("passthroughHosts", f"{host!r} is listed twice")


def _custom_hostnames(settings: Settings) -> Iterator[Mistake]:
    for host in settings.custom_hostnames:
        if is_within(host, settings.zone):
            yield Mistake(
                "customHostnames",
                f"{host!r} lies in the platform's own zone; a tenant's hostname lies in the "
                "tenant's",
            )
    for host in duplicates(settings.custom_hostnames):
        yield Mistake("customHostnames", f"{host!r} is listed twice")


def _repository_buckets(settings: Settings) -> Iterator[Mistake]:
    for bucket in duplicates(settings.repository_buckets):
        yield Mistake("repositoryBuckets", f"{bucket!r} is listed twice")


def _name_length(settings: Settings) -> Iterator[Mistake]:
    longest = settings.names.longest(settings.repository_buckets)
    if problem := bucket_name_problem(longest):
        yield Mistake("namePrefix", f"is too long: {problem}")


def _platform_keys(settings: Settings) -> Iterator[Mistake]:
    for key_id in duplicates(key.id for key in settings.platform_keys):
        yield Mistake("platformKeys", f"the id {key_id!r} is given to two keys")


def _loopback_webhooks(settings: Settings) -> Iterator[Mistake]:
    if settings.loopback_webhooks and not is_loopback(settings.api_base_url):
        yield Mistake(
            "loopbackWebhooks",
            "is for the local cloud alone: Cloudflare's Workers reach no machine of yours, and "
            "what a tenant may name there is nobody's to call",
        )


_HOST_KEYS = frozenset({"zone", "apiHost", "cdnHost", "fallbackHost"})

# What compares several settings, with the keys it reads: it is skipped while one of them is wrong
# in itself.
CHECKS: Mapping[Callable[[Settings], Iterator[Mistake]], frozenset[str]] = {
    _hosts_in_zone: _HOST_KEYS,
    _hosts_differ: _HOST_KEYS,
    _passthrough_hosts: _HOST_KEYS | {"passthroughHosts"},
    _custom_hostnames: frozenset({"zone", "customHostnames"}),
    _repository_buckets: frozenset({"repositoryBuckets"}),
    _name_length: frozenset({"namePrefix", "repositoryBuckets"}),
    _platform_keys: frozenset({"platformKeys"}),
    _loopback_webhooks: frozenset({"loopbackWebhooks", "endpoints"}),
    **storage_consistency.CHECKS,
}
