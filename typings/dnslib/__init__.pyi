"""What we use of dnslib, which has no types of its own."""

class DNSError(Exception): ...

class Bimap:
    def __getitem__(self, number: int) -> str: ...
    def __getattr__(self, name: str) -> int: ...

QTYPE: Bimap
RCODE: Bimap

class DNSLabel:
    def __str__(self) -> str: ...

class DNSQuestion:
    qtype: int
    qclass: int
    qname: DNSLabel

class DNSHeader:
    rcode: int
    tc: int
    ra: int
    aa: int

class RD:
    def __str__(self) -> str: ...

class RR:
    rname: DNSLabel
    rtype: int
    ttl: int
    rdata: RD
    @classmethod
    def fromZone(cls, zone: str) -> list[RR]: ...

class DNSRecord:
    header: DNSHeader
    questions: list[DNSQuestion]
    rr: list[RR]
    @classmethod
    def question(cls, qname: str, qtype: str = ...) -> DNSRecord: ...
    @classmethod
    def parse(cls, packet: bytes) -> DNSRecord: ...
    @property
    def q(self) -> DNSQuestion: ...
    def reply(self, ra: int = ..., aa: int = ...) -> DNSRecord: ...
    def add_answer(self, *rr: RR) -> None: ...
    def truncate(self) -> DNSRecord: ...
    def pack(self) -> bytearray: ...
    def send(
        self,
        dest: str,
        port: int = ...,
        tcp: bool = ...,
        timeout: float | None = ...,
    ) -> bytes: ...
