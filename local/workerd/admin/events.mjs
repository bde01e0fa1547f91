// Queue batches and cron events, given to a Worker through workerd's own events, and the start.
import { AdminError } from "./errors.mjs";

/**
 * Delivers one batch: {outcome, ackAll, retryBatch, explicitAcks, retryMessages, error?}.
 * `outcome` is "ok" or "exception"; acks given before an exception count.
 */
export async function deliver(worker, control, { queue, messages }) {
  if (typeof queue !== "string" || !Array.isArray(messages) || messages.length === 0) {
    throw new AdminError(400, "a delivery needs queue and a non-empty list of messages");
  }
  const batch = messages.map(({ id, timestamp, attempts, body }) => ({
    id: String(id),
    timestamp: new Date(timestamp ?? Date.now()),
    attempts: attempts ?? 1,
    body,
  }));
  return withFailure(control, `queue ${batch[0].id}`, await worker.queue(queue, batch));
}

/** Runs the scheduled handler: {outcome, noRetry, error?}. `scheduledTime` is in milliseconds. */
export async function trigger(worker, control, { cron, scheduledTime }) {
  const at = new Date(scheduledTime ?? Date.now());
  const result = await worker.scheduled({ cron: cron ?? "", scheduledTime: at });
  return withFailure(control, `scheduled ${cron ?? ""} ${at.getTime()}`, result);
}

async function withFailure(control, key, result) {
  if (result.outcome === "ok") return result;
  return { ...result, error: (await control.failure(key)) ?? result.outcome };
}

export async function warm(control) {
  try {
    await control.warm();
  } catch (error) {
    throw new AdminError(500, String(error.message ?? error));
  }
}

/** Tells every Worker in every data centre; what it stored before is gone when this returns. */
export async function purge(controls, told) {
  if (!Number.isInteger(told.at)) throw new AdminError(400, "a purge needs its time: at");
  await Promise.all(controls.map((control) => control.purge(told)));
}
