// Lists, reads and deletes objects (emptiness checks, restoring a backup, `destroy --delete-data`).
import { AdminError } from "./errors.mjs";

function described(object) {
  const { key, size, etag, uploaded, httpMetadata, customMetadata } = object;
  return {
    key,
    size,
    etag,
    last_modified: uploaded,
    http_metadata: httpMetadata ?? {},
    custom_metadata: customMetadata ?? {},
  };
}

export async function list(bucket, search) {
  const limit = Number(search.get("limit") ?? 1000);
  if (!Number.isInteger(limit) || limit < 1 || limit > 1000)
    throw new AdminError(400, "limit must be from 1 to 1000");
  const page = await bucket.list({
    limit,
    prefix: search.get("prefix") ?? undefined,
    cursor: search.get("cursor") ?? undefined,
    delimiter: search.get("delimiter") ?? undefined,
    include: ["httpMetadata", "customMetadata"],
  });
  return {
    objects: page.objects.map(described),
    delimited_prefixes: page.delimitedPrefixes,
    truncated: page.truncated,
    ...(page.truncated ? { cursor: page.cursor } : {}),
  };
}

/** One object's bytes, streamed. */
export async function read(bucket, key) {
  const object = await bucket.get(key);
  if (object === null) throw new AdminError(404, `there is no object ${key}`);
  // Not all of its headers: of a content-encoding the runtime would think that it is to be applied.
  const type = object.httpMetadata?.contentType ?? "application/octet-stream";
  const headers = { "content-type": type, "content-length": String(object.size) };
  return new Response(object.body, { headers: { ...headers, etag: object.httpEtag } });
}

/** Deletes one object; deleting what is not there is no error. */
export async function remove(bucket, key) {
  await bucket.delete(key);
}
