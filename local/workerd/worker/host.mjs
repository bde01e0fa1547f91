// The entrypoints of a Python Worker in workerd, as Cloudflare's runtime makes them from the class
// `Default(WorkerEntrypoint)` of the main module:
//
// 1. One instance of the class for each event; the class gets (ctx, env) and is thrown away after.
// 2. `fetch` is called with as many arguments as it takes; `queue` and `scheduled` get three
//    (event, undefined, undefined), as workerd calls class handlers.
// 3. Arguments and results are converted as for RPC (python/handlers.py); bodies stay native streams.
// 4. An exception is logged with its traceback and thrown on; the front Worker answers 500.
//
// `Control` is the admin Worker's way in: boot now, the text of an event's exception, and purges.
import * as cloudflareWorkers from "cloudflare:workers";
import { boot } from "./boot.mjs";
import { DataCentreCaches } from "./caches.mjs";
import { markConsole } from "./console.mjs";
import { ownEnvironment } from "./environment.mjs";
import { faultyCache } from "./faults.mjs";
import { originalRequest } from "./original_request.mjs";
import { Purges } from "./purges.mjs";

const host = cloudflareWorkers.env.__HOST;
const daemon = cloudflareWorkers.env.__DAEMON;
markConsole(host.worker);

const purges = new Purges();

async function knownPurges() {
  await purges.load(daemon, host);
  return purges;
}

Object.defineProperty(globalThis, "caches", {
  value: new DataCentreCaches(caches, host.data_centre, knownPurges, (cache) =>
    host.faults ? faultyCache(cache, daemon, host) : cache,
  ),
});

let booted;
let environment;
// Exceptions of queue and cron events by event key, for the admin Worker to fetch at once.
const failures = new Map();

/** Starts Python once for the isolate; a start that failed is forgotten, so the next event tries again. */
function python(env, ctx) {
  environment ??= ownEnvironment(env, host);
  booted ??= boot(env, host, environment).catch((error) => {
    booted = undefined;
    throw error;
  });
  // A client that leaves must not take the start of the others with it.
  ctx.waitUntil(booted.catch(() => {}));
  return booted;
}

async function call(handler, { env, ctx }, args) {
  const { module, handlers } = await python(env, ctx);
  if (typeof module.Default !== "function") {
    throw new TypeError(
      `There is no 'Default' class defined in the Python Worker's main module ${host.main_module}`,
    );
  }
  const instance = await module.Default.callWithOptions({ promising: true }, ctx, environment);
  try {
    if (typeof instance[handler] !== "function")
      throw new TypeError(`Method ${handler} does not exist`);
    return await handlers.call.callWithOptions(
      { promising: true },
      handler === "fetch",
      instance,
      handler,
      ...args,
    );
  } finally {
    instance.destroy();
  }
}

async function logged(handler, entrypoint, args) {
  try {
    return await call(handler, entrypoint, args);
  } catch (error) {
    console.error(`Uncaught exception in ${handler}: ${error.message || error}`);
    throw error;
  }
}

async function remembered(key, work) {
  try {
    return await work;
  } catch (error) {
    failures.set(key, String(error.message || error));
    throw error;
  }
}

export default class extends cloudflareWorkers.WorkerEntrypoint {
  fetch(request) {
    return logged("fetch", this, [originalRequest(request), undefined, undefined]);
  }

  async queue(batch) {
    const key = `queue ${batch.messages[0]?.id}`;
    await remembered(key, logged("queue", this, [batch, undefined, undefined]));
  }

  async scheduled(controller) {
    const key = `scheduled ${controller.cron} ${controller.scheduledTime}`;
    await remembered(key, logged("scheduled", this, [controller, undefined, undefined]));
  }
}

export class Control extends cloudflareWorkers.WorkerEntrypoint {
  /** Starts Python and imports the main module; throws an error whose message is the traceback. */
  async warm() {
    const { module } = await python(this.env, this.ctx);
    if (typeof module.Default !== "function") {
      throw new Error(
        `There is no 'Default' class defined in the Python Worker's main module ${host.main_module}`,
      );
    }
  }

  purge(purge) {
    purges.note(purge);
  }

  failure(key) {
    const text = failures.get(key);
    failures.delete(key);
    return text;
  }
}
