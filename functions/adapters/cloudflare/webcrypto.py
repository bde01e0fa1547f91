"""Ed25519 by the runtime's WebCrypto; the private key is imported once and cannot be read back."""

import js
from pyodide.ffi import JsProxy, to_js

from functions.adapters.cloudflare.javascript import js_bytes, js_object

PKCS8_ED25519 = bytes.fromhex("302e020100300506032b657004220420")
"""What stands before the 32-byte seed in the PKCS #8 form of an Ed25519 key (RFC 8410, section
7)."""


class WebCryptoSigner:
    """`seed` is the 32-byte private key of RFC 8032."""

    def __init__(self, key_id: str, seed: bytes) -> None:
        self._key_id = key_id
        self._seed = seed
        self._key: JsProxy | None = None

    @property
    def key_id(self) -> str:
        return self._key_id

    async def sign(self, statement: bytes) -> bytes:
        if self._key is None:
            self._key = await js.crypto.subtle.importKey(
                "pkcs8",
                js_bytes(PKCS8_ED25519 + self._seed),
                js_object({"name": "Ed25519"}),
                False,
                to_js(["sign"]),
            )
        signature = await js.crypto.subtle.sign(
            js_object({"name": "Ed25519"}), self._key, js_bytes(statement)
        )
        return signature.to_bytes()
