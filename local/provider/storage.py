"""R2 buckets with their rules, and D1 databases."""

# A kind that needs less than its base class gives still has its signature.
# ruff: noqa: ARG002
import re
import uuid
from typing import ClassVar

from local.provider.kind import Kind, Refusal, Scene
from local.provider.property_values import is_unknown
from local.provider.schema import Failure, Item

_BUCKET_NAME = re.compile(r"[a-z0-9][a-z0-9-]{1,61}[a-z0-9]")


class R2Bucket(Kind):
    name = "R2Bucket"
    replaces = frozenset({"accountId", "name", "jurisdiction", "location"})
    defaults: ClassVar[Item] = {"jurisdiction": "default", "storageClass": "Standard"}
    kept = frozenset({"location"})
    # The location after creation is kept from the state.
    unrefreshed = frozenset({"location"})
    key_property = "name"
    id_property = "name"
    import_segment = 1

    def check(self, scene: Scene, inputs: Item) -> list[Failure]:
        name = inputs.get("name")
        if not isinstance(name, str) or is_unknown(name) or _BUCKET_NAME.fullmatch(name):
            return []
        return [
            Failure(
                "name",
                f"{name!r} is no bucket name: 3 to 63 lower-case letters, digits and hyphens, "
                "with a letter or digit at both ends",
            )
        ]

    def create(self, scene: Scene, inputs: Item) -> Item:
        if scene.world.get(self.name, inputs["name"]):
            raise Refusal(
                f"The bucket {inputs['name']} you tried to create already exists, and you own it.",
                409,
                10004,
            )
        return self.filled(inputs) | {"creationDate": scene.now()}

    async def delete(self, scene: Scene, item: Item) -> None:
        bucket = item["name"]
        if not await scene.bucket_is_empty(bucket):
            raise Refusal(
                f"The bucket {bucket} you tried to delete is not empty. Delete its objects first "
                "(`stowage destroy --delete-data` does).",
                409,
                10008,
            )
        # Rules live in the bucket and go with it.
        for rules in ("R2BucketLifecycle", "R2BucketCors"):
            scene.world.remove(rules, bucket)


class _BucketRules(Kind):
    replaces = frozenset({"accountId", "bucketName", "jurisdiction"})
    defaults: ClassVar[Item] = {"jurisdiction": "default"}
    key_property = "bucketName"
    id_property = "accountId"
    import_segment = 1

    def create(self, scene: Scene, inputs: Item) -> Item:
        return self.update(scene, {}, inputs)

    def update(self, scene: Scene, item: Item, inputs: Item) -> Item:
        bucket = scene.world.get("R2Bucket", inputs["bucketName"])
        wanted = inputs.get("jurisdiction") or "default"
        if bucket is None or bucket["jurisdiction"] != wanted:
            raise Refusal(
                f"The specified bucket does not exist: {inputs['bucketName']} in jurisdiction "
                f"{wanted}.",
                404,
                10006,
            )
        return self.merged(scene, item, inputs)


class R2BucketLifecycle(_BucketRules):
    name = "R2BucketLifecycle"
    delete_warning = "This resource cannot be destroyed from Pulumi; the rules stay on the bucket."


class R2BucketCors(_BucketRules):
    name = "R2BucketCors"


class D1Database(Kind):
    name = "D1Database"
    replaces = frozenset({"accountId", "name", "jurisdiction", "primaryLocationHint"})
    key_property = "uuid"
    id_property = "uuid"

    def create(self, scene: Scene, inputs: Item) -> Item:
        if scene.world.find(self.name, name=inputs["name"]):
            raise Refusal(f"A database named {inputs['name']} already exists.", 400, 7502)
        return self.filled(inputs) | {
            "uuid": str(uuid.uuid4()),
            "createdAt": scene.now(),
            "version": "production",
            "numTables": 0,
            "fileSize": 12288,
        }
