"""Ed25519 by the runtime's WebCrypto."""

import js
from pyodide.ffi import JsException, to_js

from functions.adapters.cloudflare.javascript import js_bytes, js_object

KEY_BYTES, SIGNATURE_BYTES = 32, 64


class WebCryptoVerifier:
    async def verify(self, public_key: bytes, signature: bytes, statement: bytes) -> bool:
        if len(public_key) != KEY_BYTES or len(signature) != SIGNATURE_BYTES:
            return False
        ed25519 = js_object({"name": "Ed25519"})
        try:
            key = await js.crypto.subtle.importKey(
                "raw", js_bytes(public_key), ed25519, True, to_js(["verify"])
            )
        except JsException:
            return False
        answer = await js.crypto.subtle.verify(
            ed25519, key, js_bytes(signature), js_bytes(statement)
        )
        return bool(answer)
