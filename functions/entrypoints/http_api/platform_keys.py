"""`/v1/keys` and `/.well-known/stowage-keys.json`: the public keys of the platform's signatures"""

from fastapi import APIRouter

from functions.entrypoints.http_api.access import Platform
from functions.entrypoints.http_api.json_body import JsonRoute
from functions.entrypoints.http_api.values import Answer

router = APIRouter(tags=["platform"], route_class=JsonRoute)


class PlatformKey(Answer):
    id: str
    algorithm: str
    public_key: str
    """Base64 of the raw public key."""
    not_before: str
    not_after: str | None


class PlatformKeys(Answer):
    keys: list[PlatformKey]


@router.get(
    "/.well-known/stowage-keys.json",
    summary="The same, at a place that is the same on every platform",
)
@router.get("/v1/keys", summary="The public keys that verify signatures of packages")
async def get_platform_keys(services: Platform) -> PlatformKeys:
    return PlatformKeys(
        keys=[
            PlatformKey(
                id=key.id,
                algorithm=key.algorithm,
                public_key=key.public_key,
                not_before=key.not_before,
                not_after=key.not_after,
            )
            for key in services.platform_keys
        ]
    )
