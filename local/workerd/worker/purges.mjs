// What was purged from the zone's cache, as far as it concerns what is stored now: the daemon's list,
// read once for each isolate, and what the admin Worker has brought since (Control.purge).
//
// Cloudflare deletes; here an entry that was stored before its purge is taken for gone. Purges by URL
// are not here on purpose: they do not reach what a Worker stored under a key of its own
// (developers.cloudflare.com/cache/how-to/purge-cache/purge-cache-key).
const latest = (map, name, at) => map.set(name, Math.max(map.get(name) ?? 0, at));

export class Purges {
  #everything = 0;
  #tags = new Map();
  #hosts = new Map();
  #prefixes = new Map();
  #loaded = false;

  /** {at, purge_everything?, tags?, hosts?, prefixes?}; `at` in milliseconds. */
  note({ at, purge_everything = false, tags = [], hosts = [], prefixes = [] }) {
    if (purge_everything) this.#everything = Math.max(this.#everything, at);
    for (const tag of tags) latest(this.#tags, tag.toLowerCase(), at);
    for (const name of hosts) latest(this.#hosts, name.toLowerCase(), at);
    for (const prefix of prefixes) latest(this.#prefixes, prefix, at);
  }

  /** No request may wait for another's I/O, so those that come first each read the list. */
  async load(daemon, host) {
    if (this.#loaded) return;
    const response = await daemon.fetch(`http://${host.daemon}/_caches/purges`, {
      headers: { "x-stowage-control": host.control_secret },
    });
    if (!response.ok) throw new Error(`the daemon's list of purges: ${response.status}`);
    for (const purge of (await response.json()).purges) this.note(purge);
    this.#loaded = true;
  }

  /** Whether what was stored then has been purged since. */
  cover(url, tags, stored) {
    const { host, pathname } = new URL(url);
    const address = `${host}${pathname}`;
    const times = [
      this.#everything,
      this.#hosts.get(host),
      ...tags.map((tag) => this.#tags.get(tag)),
      ...[...this.#prefixes].map(([prefix, at]) => (address.startsWith(prefix) ? at : 0)),
    ];
    return times.some((at) => at !== undefined && at >= stored);
  }
}
