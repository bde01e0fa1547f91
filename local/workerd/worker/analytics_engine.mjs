// A dataset of Analytics Engine: points go to the daemon in batches, behind the answer.
//
// Limits as on Cloudflare (developers.cloudflare.com/analytics/analytics-engine/limits): 20 blobs of
// 16 KB together, 20 doubles, one index of 96 bytes. A point that is refused throws; one that cannot be
// sent is lost, and the log says so.
import { waitUntil } from "cloudflare:workers";

const MOST = 20;
const BLOB_BYTES = 16_384;
const INDEX_BYTES = 96;
const BATCH = 500;
const MOST_WAITING = 10_000;
const GATHER_MILLISECONDS = 20;
// A sender whose request was cut off no longer sends; then the next point brings another.
const STUCK_MILLISECONDS = 1_000;

const bytesOf = (text) => new TextEncoder().encode(text).length;

function listOf(values, what, most, isRight) {
  const list = [...(values ?? [])];
  if (list.length > most) throw new TypeError(`Maximum of ${most} ${what} supported.`);
  if (!list.every(isRight)) throw new TypeError(`writeDataPoint(): ${what} of a wrong type`);
  return list;
}

function checked(point) {
  const isText = (value) => typeof value === "string";
  const blobs = listOf(point?.blobs, "blobs", MOST, isText);
  const doubles = listOf(point?.doubles, "doubles", MOST, Number.isFinite);
  const indexes = listOf(point?.indexes, "indexes", 1, isText);
  if (blobs.reduce((sum, blob) => sum + bytesOf(blob), 0) > BLOB_BYTES)
    throw new TypeError(`Cumulative size of blobs exceeds ${BLOB_BYTES} bytes.`);
  if (indexes.some((index) => bytesOf(index) > INDEX_BYTES))
    throw new TypeError(`Size of indexes exceeds ${INDEX_BYTES} bytes.`);
  return { at: Date.now(), indexes, blobs, doubles };
}

// The SDK converts arguments of a binding by its class name, so the name is one that it knows.
export class AnalyticsEngineDataset {
  #dataset;
  #daemon;
  #host;
  #sending;
  #waiting = [];
  #begun = 0;

  /** `sending` is around each batch's way to the daemon. */
  constructor(dataset, daemon, host, sending) {
    this.#dataset = dataset;
    this.#daemon = daemon;
    this.#host = host;
    this.#sending = sending;
  }

  writeDataPoint(point) {
    this.#waiting.push(checked(point));
    if (this.#waiting.length > MOST_WAITING) this.#waiting.shift();
    if (Date.now() - this.#begun < STUCK_MILLISECONDS) return;
    this.#begun = Date.now();
    waitUntil(this.#send());
  }

  async #send() {
    try {
      await new Promise((resolve) => setTimeout(resolve, GATHER_MILLISECONDS));
      while (this.#waiting.length > 0) {
        const points = this.#waiting.splice(0, BATCH);
        await this.#sending(() => this.#post(points));
      }
    } catch (error) {
      console.warn(`data points of ${this.#dataset} are lost: ${error.message || error}`);
    } finally {
      this.#begun = 0;
    }
  }

  async #post(points) {
    const url = `http://${this.#host.daemon}/_datasets/${encodeURIComponent(this.#dataset)}/points`;
    const response = await this.#daemon.fetch(url, {
      method: "POST",
      headers: {
        "content-type": "application/json",
        "x-stowage-control": this.#host.control_secret,
      },
      body: JSON.stringify({ points }),
    });
    const text = await response.text();
    if (!response.ok) throw new Error(`${response.status} ${text.slice(0, 200)}`);
  }
}
