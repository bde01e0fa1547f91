"""What a call of a webhook is on the wire, whichever `Fetch` makes it.

A suite is a subclass with the fixture `calling`: a call through that `Fetch`.
"""

from collections.abc import Callable, Iterator

import pytest

from functions.adapters.local.entropy import SeededEntropy
from functions.core.webhook_calls import MAX_ANSWER_BYTES, Answer
from functions.core.webhook_signatures import new_secret, signed_headers
from tests.contracts.webhook_receiver import Receiver, receiving

Calling = Callable[[str, str, str, bytes, int], Answer]
"""From URL, secret, message id, body and time."""

SECRET = new_secret(SeededEntropy())
MESSAGE_ID = "019ce0b8-1111-7222-8333-444455556666"
BODY = '{"type":"webhook.test","data":{"é":"ü"}}'.encode()
NOW_MS = 1_790_000_000_123


class WebhookCallsContract:
    @pytest.fixture
    def receiver(self) -> Iterator[Receiver]:
        with receiving() as receiver:
            yield receiver

    def _call(self, calling: Calling, receiver: Receiver) -> Answer:
        return calling(f"{receiver.base_url}/hook?a=b%20c", SECRET, MESSAGE_ID, BODY, NOW_MS)

    def test_the_body_and_its_headers_arrive_as_they_were_signed(
        self, calling: Calling, receiver: Receiver
    ) -> None:
        assert self._call(calling, receiver) == Answer(204)
        (sent,) = receiver.sent
        assert (sent.path, sent.body) == ("/hook?a=b%20c", BODY)
        wanted = signed_headers([SECRET], MESSAGE_ID, NOW_MS, BODY)
        assert {name: sent.headers[name] for name in wanted} == wanted
        assert sent.headers["content-type"] == "application/json"
        assert sent.headers["user-agent"] == "stowage-webhooks"

    def test_a_redirect_is_not_followed(self, calling: Calling, receiver: Receiver) -> None:
        receiver.statuses, receiver.headers = [302, 307], {"location": receiver.base_url + "/x"}
        for status in (302, 307):
            answer = self._call(calling, receiver)
            assert (answer.status, answer.is_taken) == (status, False)
        assert len(receiver.sent) == 2

    def test_of_a_refusal_the_beginning_is_kept(self, calling: Calling, receiver: Receiver) -> None:
        receiver.statuses, receiver.content = [503], b"x" * 100_000
        receiver.headers = {"retry-after": "7"}
        answer = self._call(calling, receiver)
        said = "answered 503: " + "x" * MAX_ANSWER_BYTES
        assert answer == Answer(503, said, retry_after_seconds=7)

    def test_a_receiver_that_is_not_there_is_a_failure(self, calling: Calling) -> None:
        with receiving() as gone:
            pass
        answer = self._call(calling, gone)
        assert (answer.status, answer.is_taken) == (None, False)
        assert "no answer" in (answer.problem or "")
