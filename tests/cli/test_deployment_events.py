"""The engine's events become progress lines, counts and reasons."""

from pulumi.automation.events import (
    DiagnosticEvent,
    EngineEvent,
    OpMap,
    OpType,
    PolicyEvent,
    ResourcePreEvent,
    ResOutputsEvent,
    StepEventMetadata,
    SummaryEvent,
)

from cli.deployment_events import Journal, describe

BUCKET = "cloudflare:index/r2Bucket:R2Bucket"
URN = f"urn:pulumi:dev::stowage::stowage:cloudflare:Storage${BUCKET}::storage-uploads"


def a_step(op: OpType, kind: str = BUCKET) -> StepEventMetadata:
    return StepEventMetadata(op=op, urn=URN, type=kind, provider="")


def a_journal() -> tuple[Journal, list[str]]:
    said: list[str] = []
    return Journal(said.append), said


def an_event(**content: object) -> EngineEvent:
    return EngineEvent(sequence=1, timestamp=1, **content)  # pyright: ignore[reportArgumentType]


def test_a_change_is_said_when_it_begins_and_kept_when_it_ended() -> None:
    journal, said = a_journal()
    journal.take(an_event(resource_pre_event=ResourcePreEvent(a_step(OpType.CREATE))))
    assert said == ["  creating R2Bucket storage-uploads"]
    assert journal.steps == []
    journal.take(an_event(res_outputs_event=ResOutputsEvent(a_step(OpType.CREATE))))
    assert journal.steps == [
        {"op": "create", "type": BUCKET, "name": "storage-uploads", "urn": URN}
    ]


def test_a_replacement_is_one_step() -> None:
    journal, _ = a_journal()
    for op in (OpType.CREATE_REPLACEMENT, OpType.REPLACE, OpType.DELETE_REPLACED):
        journal.take(an_event(res_outputs_event=ResOutputsEvent(a_step(op))))
    assert [step["op"] for step in journal.steps] == ["replace"]


def test_what_stays_the_same_is_not_said() -> None:
    journal, said = a_journal()
    journal.take(an_event(resource_pre_event=ResourcePreEvent(a_step(OpType.SAME))))
    journal.take(an_event(res_outputs_event=ResOutputsEvent(a_step(OpType.SAME))))
    assert (said, journal.steps) == ([], [])


def test_counts_are_those_of_the_engines_summary() -> None:
    journal, _ = a_journal()
    changes: OpMap = {OpType.SAME: 40, OpType.UPDATE: 1}
    journal.take(an_event(summary_event=SummaryEvent(False, 1, changes, {})))
    assert journal.counts() == {"same": 40, "update": 1}


def test_an_error_is_said_and_explains_the_failure() -> None:
    journal, said = a_journal()
    event = DiagnosticEvent("<{%reset%}>name is taken<{%reset%}>\n", "never", "error", urn=URN)
    journal.take(an_event(diagnostic_event=event))
    assert journal.explanation() == "R2Bucket storage-uploads: name is taken"
    assert said == ["  error: R2Bucket storage-uploads: name is taken"]


def test_an_error_of_the_program_is_told_once_and_at_the_end() -> None:
    journal, said = a_journal()
    for text in ("cron is wrong", "an unhandled error occurred: cron is wrong"):
        journal.take(an_event(diagnostic_event=DiagnosticEvent(text, "never", "error")))
    assert said == []
    assert journal.explanation() == "cron is wrong"


def test_an_unhandled_error_that_nobody_told_before_is_told() -> None:
    journal, _ = a_journal()
    text = "an unhandled error occurred: no such module"
    journal.take(an_event(diagnostic_event=DiagnosticEvent(text, "never", "error")))
    assert journal.explanation() == text


def a_warning(kind: str, text: str) -> EngineEvent:
    urn = f"urn:pulumi:dev::stowage::stowage:cloudflare:PythonWorker${kind}::edge"
    return an_event(diagnostic_event=DiagnosticEvent(text, "never", "warning", urn=urn))


def test_versions_and_deployments_that_stay_are_one_line_at_the_end() -> None:
    journal, said = a_journal()
    version = "cloudflare:index/workerVersion:WorkerVersion"
    deployment = "cloudflare:index/workersDeployment:WorkersDeployment"
    journal.take(a_warning(version, "Deleting a version sends nothing; it stays."))
    journal.take(a_warning(deployment, "Deleting a deployment sends nothing; it stays."))
    journal.take(a_warning(version, "This resource cannot be destroyed from Pulumi."))
    assert said == []
    journal.take(an_event(summary_event=SummaryEvent(False, 1, {}, {})))
    assert said == [
        "  3 deployments and versions stay until their Worker goes; that is Cloudflare's way"
    ]


def test_other_warnings_are_said_as_they_come() -> None:
    journal, said = a_journal()
    version = "cloudflare:index/workerVersion:WorkerVersion"
    journal.take(a_warning(version, "limits.cpu_ms is deprecated"))
    journal.take(a_warning(BUCKET, "This resource cannot be destroyed from Pulumi."))
    journal.take(an_event(summary_event=SummaryEvent(False, 1, {}, {})))
    assert said == [
        "  warning: WorkerVersion edge: limits.cpu_ms is deprecated",
        "  warning: R2Bucket edge: This resource cannot be destroyed from Pulumi.",
    ]


def test_debug_messages_are_not_said() -> None:
    journal, said = a_journal()
    journal.take(an_event(diagnostic_event=DiagnosticEvent("details", "never", "debug")))
    assert (said, journal.explanation()) == ([], "")


def test_a_mandatory_policy_that_was_broken_explains_the_failure() -> None:
    journal, _ = a_journal()
    event = PolicyEvent("no public buckets", "never", "private", "pack", "1", "1", "mandatory", URN)
    journal.take(an_event(policy_event=event))
    assert journal.explanation() == "policy private: no public buckets"


def test_an_advisory_policy_is_said_and_no_failure() -> None:
    journal, said = a_journal()
    event = PolicyEvent("hm", "never", "style", "pack", "1", "1", "advisory", URN)
    journal.take(an_event(policy_event=event))
    assert (journal.explanation(), said) == ("", ["  policy style: hm"])


def test_a_resource_is_named_by_its_urn_alone() -> None:
    assert describe("", URN) == "R2Bucket storage-uploads"
