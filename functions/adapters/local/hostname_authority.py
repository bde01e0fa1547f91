"""A hostnames' authority in memory, whose statuses a test sets."""

from dataclasses import replace

from functions.ports.hostname_authority import (
    CertificateMethod,
    ConflictingHostnameError,
    CustomHostname,
    CustomHostnamePage,
    HttpToken,
    Quota,
    QuotaExhaustedError,
    RefusedError,
    ValidationRecord,
)


class MemoryHostnameAuthority:
    def __init__(self, most: int = 100, page: int = 50) -> None:
        self.most = most
        self.hostnames: dict[str, CustomHostname] = {}
        self.calls: list[str] = []
        """`create NAME`, `refresh NAME by METHOD`, `delete NAME`, in order."""
        self._page = page
        self._number = 0

    def set(
        self, name: str, hostname_status: str, certificate_status: str | None = "active"
    ) -> None:
        for known in self.hostnames.values():
            if known.name == name:
                self.hostnames[known.id] = replace(
                    known, hostname_status=hostname_status, certificate_status=certificate_status
                )

    async def find(self, name: str) -> CustomHostname | None:
        return next((one for one in self.hostnames.values() if one.name == name), None)

    async def list_page(self, cursor: str | None = None) -> CustomHostnamePage:
        begin = int(cursor or "0")
        listed = tuple(self.hostnames.values())[begin : begin + self._page]
        end = begin + self._page
        return CustomHostnamePage(listed, str(end) if end < len(self.hostnames) else None)

    async def get(self, hostname_id: str) -> CustomHostname | None:
        return self.hostnames.get(hostname_id)

    async def create(self, name: str, method: CertificateMethod) -> CustomHostname:
        if await self.find(name) is not None:
            raise ConflictingHostnameError(f"Duplicate custom hostname found: {name}")
        if len(self.hostnames) >= self.most:
            raise QuotaExhaustedError("the quota is used up")
        self.calls.append(f"create {name}")
        self._number += 1
        made = CustomHostname(
            id=f"custom-{self._number}",
            name=name,
            hostname_status="pending",
            certificate_status="initializing",
            records=(
                ValidationRecord(
                    "TXT", f"_cf-custom-hostname.{name}", f"owner-{self._number}", "pre_validation"
                ),
                *(
                    [ValidationRecord("TXT", f"_acme-challenge.{name}", "a", "certificate")]
                    if method == "txt"
                    else []
                ),
            ),
            http_tokens=(
                HttpToken(f"http://{name}/.well-known/cf", f"o-{self._number}", "pre_validation"),
            ),
        )
        self.hostnames[made.id] = made
        return made

    async def refresh(self, hostname_id: str, method: CertificateMethod) -> CustomHostname:
        known = self.hostnames.get(hostname_id)
        if known is None:
            raise RefusedError("the custom hostname was not found")
        self.calls.append(f"refresh {known.name} by {method}")
        # One that is attached stays so while its certificate is ordered anew.
        status = "active" if known.hostname_status == "active" else "pending"
        begun = replace(known, hostname_status=status, certificate_status="initializing")
        self.hostnames[hostname_id] = begun
        return begun

    async def delete(self, hostname_id: str) -> None:
        known = self.hostnames.pop(hostname_id, None)
        if known is not None:
            self.calls.append(f"delete {known.name}")

    async def quota(self) -> Quota:
        return Quota(len(self.hostnames), self.most)

    async def delegation(self) -> str | None:
        return "0123456789abcdef.dcv.example"
