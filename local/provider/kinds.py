"""The table of the kinds of resources that the local cloud has."""

from local.provider import account_kinds, queue_kinds, storage, worker_kinds, zone_kinds
from local.provider.kind import Kind
from local.provider.ruleset_kind import Ruleset
from local.provider.worker_version import WorkerVersion

KINDS: dict[str, Kind] = {
    kind.name: kind
    for kind in (
        storage.R2Bucket(),
        storage.R2BucketLifecycle(),
        storage.R2BucketCors(),
        storage.D1Database(),
        queue_kinds.Queue(),
        queue_kinds.QueueConsumer(),
        worker_kinds.Worker(),
        WorkerVersion(),
        worker_kinds.WorkersDeployment(),
        worker_kinds.WorkersCronTrigger(),
        worker_kinds.WorkersRoute(),
        zone_kinds.DnsRecord(),
        zone_kinds.CustomHostname(),
        zone_kinds.CustomHostnameFallbackOrigin(),
        zone_kinds.ZoneSetting(),
        Ruleset(),
        account_kinds.AccountToken(),
        account_kinds.NotificationPolicy(),
        account_kinds.NotificationPolicyWebhooks(),
    )
}
