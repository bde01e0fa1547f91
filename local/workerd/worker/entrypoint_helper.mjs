// The module `_pyodide_entrypoint_helper`, which the Workers SDK imports from the runtime.
import * as cloudflareSockets from "cloudflare:sockets";
import * as cloudflareWorkers from "cloudflare:workers";

/** An awaitable of Python is lent to JavaScript for the call only: keep a copy until it has settled. */
function keeping(waitUntil) {
  return (awaitable) => {
    const kept = typeof awaitable?.copy === "function" ? awaitable.copy() : awaitable;
    waitUntil(
      (async () => {
        try {
          await kept;
        } catch (error) {
          console.error(`Uncaught exception in waitUntil: ${error.message || error}`);
          throw error;
        } finally {
          if (typeof kept?.destroy === "function") kept.destroy();
        }
      })(),
    );
  };
}

const patched = new WeakSet();

function patchWaitUntil(context) {
  if (patched.has(context) || typeof context?.waitUntil !== "function") return;
  context.waitUntil = keeping(context.waitUntil.bind(context));
  patched.add(context);
}

export function entrypointHelper(environment) {
  const waitUntil = keeping(cloudflareWorkers.waitUntil);
  const workersModule = new Proxy(
    {},
    {
      get: (_, property) => {
        if (property === "env") return environment;
        return property === "waitUntil" ? waitUntil : cloudflareWorkers[property];
      },
      has: (_, property) => property in cloudflareWorkers,
    },
  );
  return {
    cloudflareWorkersModule: workersModule,
    cloudflareSocketsModule: cloudflareSockets,
    workerEntrypoint: cloudflareWorkers.WorkerEntrypoint,
    patchWaitUntil,
    async doAnImport(name) {
      if (name === "cloudflare:workers") return workersModule;
      if (name === "cloudflare:sockets") return cloudflareSockets;
      throw new Error(`the local cloud gives a Python Worker no JavaScript module ${name}`);
    },
  };
}
