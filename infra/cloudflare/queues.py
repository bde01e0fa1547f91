"""The validation queue, its dead letters and the consumers of both."""

from collections.abc import Sequence
from dataclasses import dataclass

import pulumi
import pulumi_cloudflare as cloudflare

DAY = 86_400

# Four days is Cloudflare's default; written so that the plan does not hang on it.
RETENTION_SECONDS = 4 * DAY
# The longest that Cloudflare keeps a message: a dead letter is the trace of a package that nobody
# heard of again.
DEAD_LETTER_RETENTION_SECONDS = 14 * DAY


@dataclass(frozen=True, kw_only=True)
class QueuesArgs:
    account_id: pulumi.Input[str]
    validate_name: str
    dead_letter_name: str
    jurisdiction: str


class Queues(pulumi.ComponentResource):
    """`stowage:cloudflare:Queues`: two Queues, `validate` and `dead_letters`."""

    validate: cloudflare.Queue
    dead_letters: cloudflare.Queue

    def __init__(
        self, name: str, args: QueuesArgs, opts: pulumi.ResourceOptions | None = None
    ) -> None:
        super().__init__("stowage:cloudflare:Queues", name, None, opts)

        def queue(role: str, queue_name: str, retention: int) -> cloudflare.Queue:
            return cloudflare.Queue(
                f"{name}-{role}",
                account_id=args.account_id,
                queue_name=queue_name,
                jurisdiction=None if args.jurisdiction == "default" else args.jurisdiction,
                settings=cloudflare.QueueSettingsArgs(
                    delivery_delay=0, delivery_paused=False, message_retention_period=retention
                ),
                opts=pulumi.ResourceOptions(parent=self),
            )

        self.validate = queue("validate", args.validate_name, RETENTION_SECONDS)
        self.dead_letters = queue(
            "dead-letters", args.dead_letter_name, DEAD_LETTER_RETENTION_SECONDS
        )
        self.register_outputs(
            {"validate": self.validate.queue_name, "dead_letters": self.dead_letters.queue_name}
        )


@dataclass(frozen=True, kw_only=True)
class ConsumersArgs:
    account_id: pulumi.Input[str]
    validate_queue_id: pulumi.Input[str]
    dead_letter_queue_id: pulumi.Input[str]
    dead_letter_queue_name: pulumi.Input[str]
    script_name: pulumi.Input[str]
    after: Sequence[pulumi.Resource]
    """A queue takes a Worker as its consumer only once that Worker is deployed and has a queue
    handler."""


class Consumers(pulumi.ComponentResource):
    """`stowage:cloudflare:Consumers`: a QueueConsumer for the validation queue and one for its dead
    letters."""

    def __init__(
        self, name: str, args: ConsumersArgs, opts: pulumi.ResourceOptions | None = None
    ) -> None:
        super().__init__("stowage:cloudflare:Consumers", name, None, opts)
        child = pulumi.ResourceOptions(parent=self, depends_on=list(args.after))
        cloudflare.QueueConsumer(
            f"{name}-validate",
            account_id=args.account_id,
            queue_id=args.validate_queue_id,
            type="worker",
            script_name=args.script_name,
            dead_letter_queue=args.dead_letter_queue_name,
            settings=cloudflare.QueueConsumerSettingsArgs(
                # A developer waits for each package: four share an invocation's start, and none
                # waits over a second.
                batch_size=4,
                max_wait_time_ms=1000,
                # One validation holds a part of a package in memory and the database has one
                # writer.
                max_concurrency=5,
                # What passes by itself (a busy database, a deployment) passes within a minute; what
                # does not is a dead letter, whose version is marked instead of being tried for
                # days.
                max_retries=5,
                retry_delay=10,
            ),
            opts=child,
        )
        cloudflare.QueueConsumer(
            f"{name}-dead-letters",
            account_id=args.account_id,
            queue_id=args.dead_letter_queue_id,
            type="worker",
            script_name=args.script_name,
            settings=cloudflare.QueueConsumerSettingsArgs(
                # Marking is one small write each, and nobody waits for it.
                batch_size=10,
                max_wait_time_ms=5000,
                max_concurrency=1,
                # Behind this queue is nothing, so it outlasts an outage: 100 tries (Cloudflare's
                # most), five minutes apart, are more than eight hours.
                max_retries=100,
                retry_delay=300,
            ),
            opts=child,
        )
        self.register_outputs({})
