from typing import Any

import pulumi_cloudflare as cloudflare

from infra.cloudflare.queues import Consumers, ConsumersArgs, Queues, QueuesArgs
from tests.infra.engine import Engine

ACCOUNT = "7a" * 16


def some_queues(engine: Engine, jurisdiction: str = "default") -> Engine:
    args = QueuesArgs(
        account_id=ACCOUNT,
        validate_name="stowage-dev-validate-package",
        dead_letter_name="stowage-dev-validate-package-dead",
        jurisdiction=jurisdiction,
    )
    return engine.run(lambda: Queues("queues", args))


def some_consumers(engine: Engine) -> Engine:
    def build() -> None:
        deployment = cloudflare.WorkersDeployment(
            "jobs-deployment",
            account_id=ACCOUNT,
            script_name="jobs",
            strategy="percentage",
            versions=[],
        )
        Consumers(
            "consumers",
            ConsumersArgs(
                account_id=ACCOUNT,
                validate_queue_id="queue-1",
                dead_letter_queue_id="queue-2",
                dead_letter_queue_name="dead",
                script_name="jobs",
                after=[deployment],
            ),
        )

    return engine.run(build)


def consumer(engine: Engine, queue_id: str) -> dict[str, Any]:
    (found,) = [
        one.inputs
        for one in some_consumers(engine).of("QueueConsumer")
        if one.inputs["queueId"] == queue_id
    ]
    return found


def test_messages_and_dead_letters_have_a_queue_each(engine: Engine) -> None:
    validate = some_queues(engine).one("Queue", "queues-validate").inputs
    dead = engine.one("Queue", "queues-dead-letters").inputs
    assert validate["queueName"] == "stowage-dev-validate-package"
    assert dead["queueName"] == "stowage-dev-validate-package-dead"
    assert "jurisdiction" not in validate


def test_a_dead_letter_is_kept_longer_than_a_message(engine: Engine) -> None:
    settings = [one.inputs["settings"] for one in some_queues(engine).of("Queue")]
    dead, validate = (one["messageRetentionPeriod"] for one in settings)
    assert dead == 14 * 86_400
    assert dead > validate


def test_queues_follow_the_jurisdiction(engine: Engine) -> None:
    queues = some_queues(engine, "eu").of("Queue")
    assert {queue.inputs["jurisdiction"] for queue in queues} == {"eu"}


def test_what_fails_too_often_goes_to_the_dead_letters(engine: Engine) -> None:
    validate = consumer(engine, "queue-1")
    assert validate["deadLetterQueue"] == "dead"
    assert validate["scriptName"] == "jobs"
    assert validate["type"] == "worker"
    assert validate["settings"] == {
        "batchSize": 4,
        "maxWaitTimeMs": 1000,
        "maxConcurrency": 5,
        "maxRetries": 5,
        "retryDelay": 10,
    }


def test_dead_letters_are_consumed_too_and_outlast_an_outage(engine: Engine) -> None:
    dead = consumer(engine, "queue-2")
    assert "deadLetterQueue" not in dead
    assert dead["settings"]["maxRetries"] * dead["settings"]["retryDelay"] >= 8 * 3600


def test_consumers_wait_for_the_deployment(engine: Engine) -> None:
    consumers = some_consumers(engine).of("QueueConsumer")
    assert len(consumers) == 2
    assert all("jobs-deployment" in one.depends_on for one in consumers)
