// Completes multipart uploads of one key, one after the other. R2's binding takes no condition when an
// upload is completed, as R2's S3 API does, so the condition is looked at just before, where no other
// completion of the key can come in between. (A plain PUT of the same key can.)
import { DurableObject } from "cloudflare:workers";

/** Whether a condition as R2's `onlyIf` has it lets `existing` (or null) be replaced. */
function holds(condition, existing) {
  if (condition?.etagMatches !== undefined) {
    if (existing === null) return false;
    if (condition.etagMatches !== "*" && condition.etagMatches !== existing.etag) return false;
  }
  if (condition?.etagDoesNotMatch !== undefined && existing !== null) {
    if (condition.etagDoesNotMatch === "*" || condition.etagDoesNotMatch === existing.etag)
      return false;
  }
  const uploaded = existing?.uploaded.getTime();
  if (condition?.uploadedAfter !== undefined)
    return uploaded !== undefined && uploaded > Date.parse(condition.uploadedAfter);
  if (condition?.uploadedBefore !== undefined)
    return uploaded !== undefined && uploaded <= Date.parse(condition.uploadedBefore) + 999;
  return true;
}

export class Completions extends DurableObject {
  async fetch(request) {
    const { binding, key, uploadId, parts, condition } = await request.json();
    return this.ctx.blockConcurrencyWhile(async () => {
      const bucket = this.env[binding];
      try {
        if (condition && !holds(condition, await bucket.head(key)))
          return Response.json({ refused: "condition" });
        const done = await bucket.resumeMultipartUpload(key, uploadId).complete(parts);
        return Response.json({ httpEtag: done.httpEtag });
      } catch (error) {
        return Response.json({ error: String(error.message ?? error) });
      }
    });
  }
}
