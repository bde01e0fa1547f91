// If-Match, If-None-Match, If-Modified-Since and If-Unmodified-Since (RFC 9110, 13), and Range.
import { invalidArgument, S3Error } from "./errors.mjs";

function tags(text) {
  return text.split(",").map((tag) => tag.trim().replace(/^W\//, "").replace(/^"|"$/g, ""));
}

function date(text) {
  const at = Date.parse(text);
  return Number.isNaN(at) ? undefined : at;
}

const includes = (text, etag) => text.trim() === "*" || tags(text).includes(etag);

// HTTP dates have whole seconds.
const seconds = (at) => Math.floor(at / 1000);

/** 200 to serve, 304 or 412 instead, for reading an existing `object`. */
export function readingStatus(headers, { etag, uploaded }) {
  const match = headers.get("if-match");
  const since = date(headers.get("if-unmodified-since") ?? "");
  if (
    match !== null
      ? !includes(match, etag)
      : since !== undefined && seconds(uploaded.getTime()) > seconds(since)
  )
    return 412;
  const noneMatch = headers.get("if-none-match");
  const modified = date(headers.get("if-modified-since") ?? "");
  const isSame =
    noneMatch !== null
      ? includes(noneMatch, etag)
      : modified !== undefined && seconds(uploaded.getTime()) <= seconds(modified);
  return isSame ? 304 : 200;
}

/** R2's `onlyIf` for a PUT, decided atomically by R2; undefined without conditions. */
export function writingCondition(headers) {
  const condition = {};
  const match = headers.get("if-match");
  const noneMatch = headers.get("if-none-match");
  if (match !== null && noneMatch !== null)
    throw invalidArgument("Use If-Match or If-None-Match, not both.");
  if (match !== null) condition.etagMatches = tags(match)[0];
  if (noneMatch !== null) condition.etagDoesNotMatch = tags(noneMatch)[0];
  const modified = date(headers.get("if-modified-since") ?? "");
  const unmodified = date(headers.get("if-unmodified-since") ?? "");
  if (modified !== undefined) condition.uploadedAfter = new Date(modified);
  if (unmodified !== undefined) condition.uploadedBefore = new Date(unmodified);
  if (Object.keys(condition).length === 0) return undefined;
  return { ...condition, secondsGranularity: true };
}

/** {offset, length} of a single satisfiable range of `size` bytes; undefined: send all. */
export function rangeOf(header, size) {
  const found = /^bytes=(\d*)-(\d*)$/.exec((header ?? "").trim());
  if (!found || (found[1] === "" && found[2] === "")) return undefined;
  const unsatisfiable = new S3Error(416, "InvalidRange", "The requested range is not satisfiable");
  unsatisfiable.headers = { "content-range": `bytes */${size}` };
  if (found[1] === "") {
    const length = Math.min(Number(found[2]), size);
    if (length === 0) throw unsatisfiable;
    return { offset: size - length, length };
  }
  const [first, last] = [
    Number(found[1]),
    found[2] === "" ? size - 1 : Math.min(Number(found[2]), size - 1),
  ];
  if (found[2] !== "" && Number(found[2]) < first) return undefined;
  if (first >= size) throw unsatisfiable;
  return { offset: first, length: last - first + 1 };
}
