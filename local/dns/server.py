"""A small DNS server on the loopback address, over UDP and TCP (RFC 1035, 4.2)."""

import asyncio
import contextlib
import struct

from local.dns.messages import answered, truncated
from local.dns.records import DnsRecords
from local.home import CloudError

_IDLE_SECONDS = 10


class DnsServer:
    """Answers with the truth and with the faults that all resolvers have."""

    def __init__(self, records: DnsRecords, port: int) -> None:
        self._records = records
        self._port = port
        self._datagrams: asyncio.DatagramTransport | None = None
        self._streams: asyncio.Server | None = None

    async def start(self) -> None:
        """Raises:
        CloudError: the port is taken.
        """
        try:
            self._datagrams, _ = await asyncio.get_running_loop().create_datagram_endpoint(
                lambda: _Datagrams(self._records), local_addr=("127.0.0.1", self._port)
            )
            self._streams = await asyncio.start_server(self._serve, "127.0.0.1", self._port)
        except OSError as error:
            await self.close()
            raise CloudError(
                f"Port {self._port} (dns) on 127.0.0.1 cannot be opened over UDP and TCP: {error}. "
                "End the program that listens there, then run `stowage up`."
            ) from error

    async def close(self) -> None:
        if self._datagrams is not None:
            self._datagrams.close()
        if self._streams is not None:
            self._streams.close()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        ended = (asyncio.IncompleteReadError, TimeoutError, ConnectionError)
        try:
            with contextlib.suppress(*ended):
                while True:
                    async with asyncio.timeout(_IDLE_SECONDS):
                        (length,) = struct.unpack(">H", await reader.readexactly(2))
                        packet = await reader.readexactly(length)
                    answer = answered(self._records, packet)
                    if answer is not None:
                        writer.write(struct.pack(">H", len(answer)) + answer)
                        await writer.drain()
        finally:
            writer.close()


class _Datagrams(asyncio.DatagramProtocol):
    def __init__(self, records: DnsRecords) -> None:
        self._records = records
        self._transport: asyncio.DatagramTransport | None = None

    def connection_made(self, transport: asyncio.DatagramTransport) -> None:
        self._transport = transport

    def datagram_received(self, data: bytes, addr: tuple[str, int]) -> None:
        answer = answered(self._records, data)
        if answer is not None and self._transport is not None:
            self._transport.sendto(truncated(answer), addr)
