// The Cache API of one data centre, with the tags and purges that Miniflare's lacks.
//
// What is stored, matched, cut to ranges and refused is the runtime's own doing (workerd's Cache
// over Miniflare's store). Added here:
// 1. Each data centre has caches of its own: what one stores no other finds.
// 2. `Cache-Tag` (case does not count, blanks neither) is taken off, kept aside, and never seen again.
// 3. An entry that a purge covers is gone (purges.mjs). The time that counts is when storing ended: what
//    is under way when a purge comes survives it, as on Cloudflare.
// 4. Objects over 512 MB are not stored (developers.cloudflare.com/workers/platform/limits).
const TAGS = "x-local-cache-tags";
const STORED = "x-local-cache-stored";
const MAX_BYTES = 512 * 1024 * 1024;
// When storing ended, for entries of this isolate; others have when it began.
const ended = new Map();
const MOST_ENDED = 10_000;

const urlOf = (request) => (request instanceof Request ? request.url : String(request));

function tagsOf(header) {
  const tags = (header ?? "").split(",").map((tag) => tag.trim().toLowerCase());
  return tags.filter((tag) => tag !== "");
}

function withHeaders(response, change) {
  const headers = new Headers(response.headers);
  change(headers);
  return new Response(response.body, { status: response.status, headers });
}

class TaggedCache {
  #name;
  #open;
  #purges;

  constructor(name, open, purges) {
    this.#name = name;
    this.#open = open;
    this.#purges = purges;
  }

  async match(request, options) {
    const cache = await this.#open(this.#name);
    const found = await cache.match(request, options);
    if (found === undefined) return undefined;
    const purges = await this.#purges();
    const url = urlOf(request);
    const stored = ended.get(this.#key(url)) ?? Number(found.headers.get(STORED));
    if (purges.cover(url, tagsOf(found.headers.get(TAGS)), stored)) {
      await found.body?.cancel();
      return undefined;
    }
    return withHeaders(found, (headers) => {
      headers.delete(TAGS);
      headers.delete(STORED);
    });
  }

  async put(request, response) {
    if (Number(response.headers.get("content-length")) > MAX_BYTES) {
      await response.body?.cancel();
      return;
    }
    const cache = await this.#open(this.#name);
    const tagged = withHeaders(response, (headers) => {
      headers.set(TAGS, tagsOf(headers.get("cache-tag")).join(","));
      headers.set(STORED, String(Date.now()));
      headers.delete("cache-tag");
    });
    await cache.put(request, tagged);
    const key = this.#key(urlOf(request));
    ended.delete(key);
    ended.set(key, Date.now());
    if (ended.size > MOST_ENDED) ended.delete(ended.keys().next().value);
  }

  async delete(request, options) {
    return (await this.#open(this.#name)).delete(request, options);
  }

  #key(url) {
    return `${this.#name} ${url}`;
  }
}

/** What a Worker sees as `caches`. `purges` is asked for at each use; `wrap` is around each cache. */
export class DataCentreCaches {
  #make;
  #default;

  constructor(real, dataCentre, purges, wrap = (cache) => cache) {
    const open = (name) => real.open(name);
    this.#make = (name) => wrap(new TaggedCache(`${name} in ${dataCentre}`, open, purges));
    this.#default = this.#make("default");
  }

  get default() {
    return this.#default;
  }

  async open(name) {
    return this.#make(`named ${name}`);
  }
}
