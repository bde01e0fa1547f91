"""What the bucket of assets must look like, given the rows."""

from functions.core.app_image_records import AppImages, find_images
from functions.core.catalog import Icon, IconRendition, Screenshot
from functions.ports.object_store import StoredObject
from tests.contracts.object_store import content_of
from tests.functions.core.world import APP, World
from tests.pictures import opened


async def asset_keys(world: World) -> list[str]:
    return [found.key for found in (await world.assets.list_objects("")).objects]


async def pixel(world: World, key: str) -> tuple[int, ...]:
    """The colour in the middle of an object that is there."""
    stored = await world.assets.get(key)
    assert isinstance(stored, StoredObject), key
    picture = opened(await content_of(stored)).convert("RGBA")
    return picture.getpixel((picture.width // 2, picture.height // 2))


async def assert_settled(world: World, app_id: str = APP) -> AppImages:
    """Every object belongs to a live row and every live row has its objects; nothing is due."""
    images = await find_images(world.records, app_id)
    wanted: set[str] = {Screenshot(app_id, number).key for number in images.numbers}
    if images.icon is not None:
        for pixels in (32, 64, 128):
            shown = Icon(app_id, pixels).key
            own = IconRendition(app_id, images.icon.id, pixels).key
            assert await content_of(await world.assets.get(shown)) == await content_of(
                await world.assets.get(own)
            )
            wanted |= {shown, own}
    assert set(await asset_keys(world)) == wanted
    assert {row.state for row in images.rows} <= {"live"}
    (app,) = await world.rows("SELECT images_due_at FROM app WHERE id = ?", app_id)
    assert app["images_due_at"] is None
    return images
