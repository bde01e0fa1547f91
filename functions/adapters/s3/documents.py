"""The XML that S3 answers with and takes. Untrusted: a document type (and with it every entity of
its own) is refused, and so is a document too large to be one."""

from collections.abc import Sequence
from dataclasses import dataclass
from urllib.parse import unquote_plus
from xml.etree import ElementTree
from xml.etree.ElementTree import Element

from functions.core.times import parse_rfc3339
from functions.ports.multipart_store import Part, PendingUpload
from functions.ports.object_store import ObjectInfo, ObjectPage

MAX_BYTES = 16 * 1024 * 1024
"""A page of 1,000 keys of 1,024 bytes, each byte written as `%XX`, has a fourth of it."""


class DocumentError(Exception):
    """It is no document of S3."""


@dataclass(frozen=True, slots=True)
class ErrorDocument:
    code: str
    message: str


class _Builder(ElementTree.TreeBuilder):
    def doctype(self, *_: object) -> None:
        raise DocumentError("a document type is not taken")


def parse(data: bytes) -> Element:
    """The root; tags without their namespace, which servers put or leave out.

    Raises: DocumentError.
    """
    parser = ElementTree.XMLParser(target=_Builder())  # noqa: S314  (no document type, no entities)
    try:
        # White space before it keeps a connection alive while a server works.
        parser.feed(data.strip())
        root = parser.close()
    except ElementTree.ParseError as error:
        raise DocumentError(f"no XML: {error}") from error
    for element in root.iter():
        element.tag = element.tag.rpartition("}")[2]
    return root


def error_document(data: bytes) -> ErrorDocument | None:
    """None where it is another document, or none at all: what a proxy says in a server's place."""
    try:
        root = parse(data)
    except DocumentError:
        return None
    if root.tag != "Error":
        return None
    return ErrorDocument(text(root, "Code"), text(root, "Message"))


def object_page(data: bytes) -> ObjectPage:
    """Of ListObjectsV2. Raises: DocumentError."""
    root = expect(data, "ListBucketResult")
    objects = tuple(_listed(found, root) for found in root.iterfind("Contents"))
    return ObjectPage(objects, cursor(root, "NextContinuationToken"))


def upload_id(data: bytes) -> str:
    """Of CreateMultipartUpload. Raises: DocumentError."""
    found = text(expect(data, "InitiateMultipartUploadResult"), "UploadId")
    if not found:
        raise DocumentError("there is no UploadId")
    return found


def parts_page(data: bytes) -> tuple[list[Part], str | None]:
    """Of ListParts: the parts, and the marker of the next page. Raises: DocumentError."""
    root = expect(data, "ListPartsResult")
    parts = [
        Part(number(found, "PartNumber"), etag(text(found, "ETag")), number(found, "Size"))
        for found in root.iterfind("Part")
    ]
    return parts, cursor(root, "NextPartNumberMarker")


def uploads_page(data: bytes) -> tuple[list[PendingUpload], tuple[str, str] | None]:
    """Of ListMultipartUploads: the uploads, and the markers of the next page (key, id). Raises:
    DocumentError."""
    root = expect(data, "ListMultipartUploadsResult")
    uploads = [
        PendingUpload(key_in(found, root, "Key"), text(found, "UploadId"), time(found, "Initiated"))
        for found in root.iterfind("Upload")
    ]
    upload_marker = cursor(root, "NextUploadIdMarker")
    if upload_marker is None:
        return uploads, None
    return uploads, (key_in(root, root, "NextKeyMarker"), upload_marker)


def completion(parts: Sequence[Part]) -> bytes:
    """What CompleteMultipartUpload takes."""
    root = Element("CompleteMultipartUpload")
    for part in parts:
        found = ElementTree.SubElement(root, "Part")
        ElementTree.SubElement(found, "PartNumber").text = str(part.number)
        ElementTree.SubElement(found, "ETag").text = f'"{part.etag}"'
    return ElementTree.tostring(root)


def expect(data: bytes, name: str) -> Element:
    root = parse(data)
    if root.tag != name:
        raise DocumentError(f"{root.tag!r} instead of {name!r}")
    return root


def cursor(root: Element, name: str) -> str | None:
    """What the next page begins with; None on the last page."""
    if text(root, "IsTruncated") != "true":
        return None
    if not text(root, name):
        raise DocumentError(f"a page is not the last, but has no {name}")
    return text(root, name)


def _listed(found: Element, root: Element) -> ObjectInfo:
    return ObjectInfo(
        key=key_in(found, root, "Key"),
        size=number(found, "Size"),
        etag=etag(text(found, "ETag")),
        uploaded_at=time(found, "LastModified"),
    )


def key_in(found: Element, root: Element, name: str) -> str:
    """XML cannot hold every character of a key, so they are asked for in URL encoding, in which a
    space is `+`."""
    key = text(found, name)
    return unquote_plus(key) if text(root, "EncodingType") == "url" else key


def etag(given: str) -> str:
    """Without quotes, and without the weakness that a proxy adds when it touches an answer."""
    return given.strip().removeprefix("W/").strip('"')


def time(found: Element, name: str) -> int:
    moment = parse_rfc3339(text(found, name))
    if moment is None:
        raise DocumentError(f"{name} is no time")
    return moment


def number(found: Element, name: str) -> int:
    given = text(found, name)
    if not given.isascii() or not given.isdigit():
        raise DocumentError(f"{name} is no number")
    return int(given)


def text(found: Element, name: str) -> str:
    return found.findtext(name) or ""
