// What the S3 face knows of multipart uploads that are under way. R2's binding can make, fill and
// complete one, but lists neither uploads nor parts, so each leaves a small object here, in a bucket
// of the face's own that nobody else is bound to:
//
//   {bucket}/{upload}/upload     {key, initiated}
//   {bucket}/{upload}/{part}     {etag, size, modified}
//
// They go when the upload is completed or aborted.
import { S3Error } from "./errors.mjs";

const UPLOAD = /^[A-Za-z0-9._~-]{1,512}$/;

export const noSuchUpload = () =>
  new S3Error(404, "NoSuchUpload", "The specified multipart upload does not exist.");

const folder = (bucket, upload) => `${bucket}/${upload}/`;

export class UploadIndex {
  #bucket;
  #objects;

  constructor(bucketName, objects) {
    this.#bucket = bucketName;
    this.#objects = objects;
  }

  begin(upload, key) {
    const value = JSON.stringify({ key, initiated: new Date().toISOString() });
    return this.#objects.put(`${folder(this.#bucket, upload)}upload`, value);
  }

  /** {key, initiated} of an upload of this key that is under way. */
  async find(upload, key) {
    if (!UPLOAD.test(upload)) throw noSuchUpload();
    const found = await this.#objects.get(`${folder(this.#bucket, upload)}upload`);
    const known = found === null ? undefined : await found.json();
    if (known?.key !== key) throw noSuchUpload();
    return known;
  }

  async notePart(upload, number, { etag, size }) {
    const modified = new Date().toISOString();
    const name = `${folder(this.#bucket, upload)}${String(number).padStart(5, "0")}`;
    await this.#objects.put(name, JSON.stringify({ etag, size, modified }));
    return modified;
  }

  /** [{number, etag, size, modified}] in the order of their numbers. */
  async parts(upload) {
    const start = folder(this.#bucket, upload);
    const names = (await this.#names(start)).filter((name) => /\/\d{5}$/.test(name));
    return Promise.all(
      names.map(async (name) => ({
        number: Number(name.slice(start.length)),
        ...(await (await this.#objects.get(name)).json()),
      })),
    );
  }

  /** [{upload, key, initiated}] in the order of their keys, and of their ids for one key. */
  async uploads() {
    const names = (await this.#names(`${this.#bucket}/`)).filter((name) => name.endsWith("/upload"));
    const found = await Promise.all(
      names.map(async (name) => {
        const object = await this.#objects.get(name);
        return object && { upload: name.split("/")[1], ...(await object.json()) };
      }),
    );
    return found.filter(Boolean);
  }

  /** The upload is over. Its first object goes last, so that a crash in between forgets nothing. */
  async end(upload) {
    const names = await this.#names(folder(this.#bucket, upload));
    const parts = names.filter((name) => !name.endsWith("/upload"));
    for (let start = 0; start < parts.length; start += 1000)
      await this.#objects.delete(parts.slice(start, start + 1000));
    await this.#objects.delete(`${folder(this.#bucket, upload)}upload`);
  }

  async #names(prefix) {
    const names = [];
    let cursor;
    do {
      const page = await this.#objects.list({ prefix, cursor });
      names.push(...page.objects.map(({ key }) => key));
      cursor = page.truncated ? page.cursor : undefined;
    } while (cursor);
    return names;
  }
}
