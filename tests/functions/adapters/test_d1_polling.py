"""The answers of D1's export and import, as the API gives them."""

import json
from typing import Any

import pytest

from functions.adapters.cloudflare.d1_polling import (
    Progress,
    TransferError,
    export_request,
    import_poll,
    progress,
    result_of,
)

Json = dict[str, Any]
ACTIVE: Json = {"type": "export", "success": True, "status": "active", "at_bookmark": "b-1"}
FILE: Json = {"filename": "f", "signed_url": "https://x"}
COMPLETE: Json = ACTIVE | {"status": "complete", "result": FILE}


def answer(result: object, *, success: bool = True) -> str:
    return json.dumps({"success": success, "errors": [], "messages": [], "result": result})


def test_the_first_request_begins_and_later_ones_name_the_bookmark() -> None:
    assert export_request(None) == {"output_format": "polling"}
    assert export_request("b-1") == {"output_format": "polling", "current_bookmark": "b-1"}
    assert import_poll("b-1") == {"action": "poll", "current_bookmark": "b-1"}


def test_a_transfer_goes_on_until_it_is_complete() -> None:
    assert progress(202, answer(ACTIVE)) == Progress("b-1", None)
    assert progress(200, answer(COMPLETE)) == Progress("b-1", FILE)


@pytest.mark.parametrize(
    ("status", "text", "said", "may_pass"),
    [
        (200, answer(ACTIVE | {"status": "error", "error": "too big"}), "too big", False),
        (200, answer({"success": False, "error": "reset"}), "reset", False),
        (200, answer({"success": False}), "no reason", False),
        (200, answer({"success": True, "status": "active"}), "neither", False),
        (200, answer(None), "neither", False),
        (200, answer(ACTIVE, success=False), "answered 200", False),
        (400, '{"errors": [{"code": 7400, "message": "malformed"}]}', "malformed", False),
        (403, '{"errors": [{"code": 10000, "message": "no"}]}', "Does the token carry D1", False),
        (404, "<html>", "answered 404", False),
        (429, "", "answered 429", True),
        (503, "[]", "answered 503", True),
    ],
)
def test_what_goes_wrong_is_said_and_whether_it_may_pass(
    status: int, text: str, said: str, may_pass: bool
) -> None:
    with pytest.raises(TransferError, match=said) as caught:
        progress(status, text)
    assert caught.value.may_pass is may_pass


def test_a_result_is_given_as_it_is() -> None:
    assert result_of(200, answer([1])) == [1]
