"""Cloudflare's envelope around every answer of its REST API."""

from typing import Any

from starlette.responses import JSONResponse

Json = dict[str, Any]


def success(result: Any, info: Json | None = None, *, extra: Json | None = None) -> JSONResponse:
    """`extra`: what some answers have beside the envelope's own members."""
    body: Json = {"success": True, "errors": [], "messages": [], "result": result}
    return JSONResponse(body | ({"result_info": info} if info is not None else {}) | (extra or {}))


def failure(status: int, code: int, message: str) -> JSONResponse:
    body: Json = {
        "success": False,
        "errors": [{"code": code, "message": message}],
        "messages": [],
        "result": None,
    }
    return JSONResponse(body, status)
