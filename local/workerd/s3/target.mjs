// The request line of an S3 request in path style: raw path and query, and what they decode to.
import { S3Error } from "./errors.mjs";

function decoded(text) {
  try {
    return decodeURIComponent(text);
  } catch {
    throw new S3Error(400, "InvalidURI", "Couldn't parse the specified URI.");
  }
}

/** RFC 3986 encoding of everything but unreserved characters, as SigV4 wants it. */
export function uriEncode(text) {
  return encodeURIComponent(text).replace(
    /[!'()*]/g,
    (char) => `%${char.charCodeAt(0).toString(16).toUpperCase()}`,
  );
}

function pairsOf(query) {
  return query
    .split("&")
    .filter(Boolean)
    .map((part) => {
      const equals = part.indexOf("=");
      const [name, value] =
        equals < 0 ? [part, ""] : [part.slice(0, equals), part.slice(equals + 1)];
      return [decoded(name.replaceAll("+", " ")), decoded(value.replaceAll("+", " "))];
    });
}

/** {canonicalPath, pairs, query: Map (first value), bucket, key}; `url` as on a direct socket: not normalised. */
export function parseTarget(url) {
  const start = url.indexOf("/", url.indexOf("//") + 2);
  const raw = start < 0 ? "/" : url.slice(start);
  const mark = raw.indexOf("?");
  const rawPath = mark < 0 ? raw : raw.slice(0, mark);
  const pairs = pairsOf(mark < 0 ? "" : raw.slice(mark + 1));
  const path = decoded(rawPath);
  const slash = path.indexOf("/", 1);
  return {
    canonicalPath: rawPath
      .split("/")
      .map((segment) => uriEncode(decoded(segment)))
      .join("/"),
    pairs,
    query: new Map([...pairs].reverse()),
    bucket: slash < 0 ? path.slice(1) : path.slice(1, slash),
    key: slash < 0 ? "" : path.slice(slash + 1),
  };
}
