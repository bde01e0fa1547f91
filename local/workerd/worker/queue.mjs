// A queue binding: messages go to the daemon's broker, which keeps them over reloads and restarts.
//
// Limits as on Cloudflare (developers.cloudflare.com/queues/platform/limits): 128 KB a message,
// 100 messages and 256 KB a batch, delay up to 24 hours. Bodies are JSON.
const MESSAGE_BYTES = 128_000;
const BATCH_BYTES = 256_000;
const BATCH_MESSAGES = 100;
const DELAY_SECONDS = 86_400;

function checkedDelay(seconds) {
  if (seconds === undefined || seconds === null) return undefined;
  if (!Number.isInteger(seconds) || seconds < 0 || seconds > DELAY_SECONDS) {
    throw new TypeError(
      `delaySeconds must be an integer from 0 to ${DELAY_SECONDS}, not ${seconds}`,
    );
  }
  return seconds;
}

function checkedMessage(body, options, delaySeconds) {
  const contentType = options?.contentType ?? "json";
  if (contentType !== "json") {
    throw new TypeError(`the local cloud's queues take contentType json, not ${contentType}`);
  }
  const text = JSON.stringify(body);
  if (text === undefined) throw new TypeError("a queue message must be JSON serializable");
  const bytes = new TextEncoder().encode(text).length;
  if (bytes > MESSAGE_BYTES) {
    throw new Error(
      `Queue send failed: message length of ${bytes} bytes exceeds limit of ${MESSAGE_BYTES}`,
    );
  }
  const delay = checkedDelay(options?.delaySeconds) ?? checkedDelay(delaySeconds);
  return { bytes, message: { body, ...(delay === undefined ? {} : { delay_seconds: delay }) } };
}

// The SDK converts arguments and results of a binding by its class name, so the name is workerd's.
export class WorkerQueue {
  #queue;
  #daemon;
  #host;

  constructor(queue, daemon, host) {
    this.#queue = queue;
    this.#daemon = daemon;
    this.#host = host;
  }

  /** Resolves when the broker has stored the message. */
  async send(body, options) {
    await this.#post([checkedMessage(body, options)]);
  }

  /** Stores all messages or none. */
  async sendBatch(batch, options) {
    const messages = [...batch].map((entry) =>
      checkedMessage(entry.body, entry, options?.delaySeconds),
    );
    if (messages.length === 0) throw new TypeError("sendBatch() requires at least one message");
    if (messages.length > BATCH_MESSAGES) {
      throw new Error(
        `Queue sendBatch failed: batch message count of ${messages.length} exceeds limit of ${BATCH_MESSAGES}`,
      );
    }
    const bytes = messages.reduce((sum, { bytes: one }) => sum + one, 0);
    if (bytes > BATCH_BYTES) {
      throw new Error(
        `Queue sendBatch failed: batch size of ${bytes} bytes exceeds limit of ${BATCH_BYTES}`,
      );
    }
    await this.#post(messages);
  }

  async #post(messages) {
    const url = `http://${this.#host.daemon}/_queues/${encodeURIComponent(this.#queue)}/messages`;
    const response = await this.#daemon.fetch(url, {
      method: "POST",
      headers: {
        "content-type": "application/json",
        "x-stowage-control": this.#host.control_secret,
      },
      body: JSON.stringify({ messages: messages.map(({ message }) => message) }),
    });
    const text = await response.text();
    if (!response.ok)
      throw new Error(`Queue send failed: ${response.status} ${text.slice(0, 200)}`);
  }
}
