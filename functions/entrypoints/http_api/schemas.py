"""`/v1/schemas`: the published schemas of what the platform reads"""

from fastapi import APIRouter, Response

from functions.core.manifest_schema import schema_text

router = APIRouter(tags=["platform"])


@router.get(
    "/v1/schemas/manifest.json",
    summary="The JSON Schema of a package's manifest.json",
    response_class=Response,
    responses={
        200: {
            "description": "A schema of draft 2020-12",
            "content": {"application/schema+json": {"schema": {"type": "object"}}},
        }
    },
)
async def get_manifest_schema() -> Response:
    return Response(schema_text(), media_type="application/schema+json")
