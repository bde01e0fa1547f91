"""What an S3 store makes of a network and a server that fail: the same whatever sends its requests.
A suite is a subclass with the fixture `faulty`."""

from collections.abc import Callable
from dataclasses import dataclass

import pytest

from functions.ports.multipart_store import MultipartStore, Part
from functions.ports.object_store import (
    ObjectStoreError,
    PreconditionFailedError,
    StoredObject,
    UnavailableError,
)
from tests.contracts.bodies import Chunks, Pattern
from tests.contracts.object_store import content_of, keys_under, put, run
from tests.contracts.proxy import Fault, Proxy


@dataclass(frozen=True)
class Faulty:
    proxy: Proxy
    store: Callable[..., MultipartStore]
    """With an empty bucket behind the proxy; takes `deadline_seconds`."""

    def methods(self) -> list[str]:
        return [head.method for head in self.proxy.heads]


REPEATED = [
    Fault.SLOW_DOWN,
    Fault.INTERNAL_ERROR,
    Fault.BAD_GATEWAY,
    Fault.CUT_REQUEST,
    Fault.CUT_ANSWER,
]


class S3FaultsContract:
    @pytest.mark.parametrize("fault", REPEATED)
    def test_a_failure_that_passes_is_not_seen(self, faulty: Faulty, fault: Fault) -> None:
        async def scenario() -> None:
            store = faulty.store()
            faulty.proxy.script = [fault, Fault.NONE] * 6
            await put(store, "k", b"hello")
            assert await content_of(await store.get("k")) == b"hello"
            assert await keys_under(store, "") == ["k"]
            await store.delete("k")
            assert await store.head("k") is None
            faulty.proxy.script = []
            upload_id = await store.create_multipart("p", content_type="x/y")
            faulty.proxy.script = [fault, Fault.NONE] * 3
            etag = await store.put_part("p", upload_id, 1, b"hello", length=5)
            assert await store.list_parts("p", upload_id) == (Part(1, etag, 5),)
            await store.abort_multipart("p", upload_id)
            assert await store.list_multiparts("") == ()

        run(scenario())

    def test_a_put_whose_answer_was_lost_is_told_from_one_that_came_second(
        self, faulty: Faulty
    ) -> None:
        async def scenario() -> None:
            store = faulty.store()
            faulty.proxy.script = [Fault.CUT_ANSWER]
            info = await put(store, "k", b"mine")
            assert (await store.head("k")) == info
            faulty.proxy.script = [Fault.CUT_REQUEST]
            with pytest.raises(PreconditionFailedError):
                await put(store, "k", b"late")
            assert await content_of(await store.get("k")) == b"mine"

        run(scenario())

    def test_what_may_not_be_repeated_is_sent_once(self, faulty: Faulty) -> None:
        async def scenario() -> None:
            store = faulty.store()
            for fault in (Fault.SLOW_DOWN, Fault.CUT_REQUEST, Fault.CUT_ANSWER):
                faulty.proxy.script = [fault]
                with pytest.raises(UnavailableError):
                    await put(store, "index", b"new", create_only=False)
                faulty.proxy.script = [fault]
                with pytest.raises(UnavailableError):
                    await store.put("s", Chunks(b"he", b"llo"), length=5, content_type="t/p")
                faulty.proxy.script = [fault]
                with pytest.raises(UnavailableError):
                    await store.create_multipart("m", content_type="t/p")
                await store.delete("s")

        run(scenario())
        assert faulty.methods() == ["PUT", "PUT", "POST", "DELETE"] * 3

    def test_failures_that_do_not_pass_are_an_end(self, faulty: Faulty) -> None:
        async def scenario() -> None:
            store = faulty.store()
            faulty.proxy.script = [Fault.INTERNAL_ERROR] * 20
            with pytest.raises(UnavailableError):
                await put(store, "k", b"hello")
            faulty.proxy.script = []
            assert await store.head("k") is None

        run(scenario())
        assert faulty.methods() == ["PUT"] * 4 + ["HEAD"]

    def test_a_storage_that_does_not_answer_is_given_up(self, faulty: Faulty) -> None:
        async def scenario() -> None:
            store = faulty.store(deadline_seconds=0.3)
            for operation in (store.head("k"), put(store, "k", b"hello")):
                faulty.proxy.script = [Fault.HANG]
                with pytest.raises(UnavailableError, match="no answer within"):
                    await operation

        run(scenario())
        assert faulty.methods() == ["HEAD", "PUT"]

    def test_a_redirect_is_not_followed(self, faulty: Faulty) -> None:
        async def scenario() -> None:
            store = faulty.store()
            faulty.proxy.script = [Fault.REDIRECT] * 2
            with pytest.raises(ObjectStoreError, match="307"):
                await store.get("k")
            with pytest.raises(ObjectStoreError):
                await put(store, "k", b"hello")

        run(scenario())
        assert faulty.methods() == ["GET", "PUT"]

    def test_a_body_that_breaks_off_is_no_whole(self, faulty: Faulty) -> None:
        async def scenario() -> None:
            store = faulty.store()
            pattern = Pattern(1_900_000)
            await store.put("k", pattern, length=pattern.size, content_type="x/y")
            faulty.proxy.script = [Fault.CUT_BODY] * 2
            with pytest.raises(UnavailableError):
                await content_of(await store.get("k"))
            faulty.proxy.script = [Fault.CUT_BODY]
            with pytest.raises(UnavailableError):
                await store.sha256("k")
            faulty.proxy.script = [Fault.CUT_BODY] * 2
            stored = await store.get("k")
            assert isinstance(stored, StoredObject)
            with pytest.raises(ObjectStoreError):
                await store.put("copy", stored.body, length=stored.length, content_type="x/y")
            faulty.proxy.script = []
            assert await keys_under(store, "") == ["k"]

        run(scenario())

    def test_a_storage_that_is_not_there_is_unavailable(self, faulty: Faulty) -> None:
        async def scenario() -> None:
            store = faulty.store()
            faulty.proxy.close()
            with pytest.raises(UnavailableError):
                await store.head("k")

        run(scenario())
