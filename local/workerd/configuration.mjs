// HostConfig -> Miniflare's options: the uploaded Python Workers, and beside them the front, admin
// and S3 Workers, each on direct sockets (Miniflare's own entry rewrites paths and headers).
import path from "node:path";
import { logStructured } from "./log.mjs";
import { modulesOf, NOT_NODE } from "./modules.mjs";
import { pythonWorker } from "./python_worker.mjs";

// Of our own JavaScript Workers; the Python Workers bring theirs.
const COMPATIBILITY_DATE = "2026-09-15";

function ownWorker(name, folder, extra) {
  return {
    name,
    modulesRoot: "/w",
    modules: modulesOf(folder, `${folder}.mjs`),
    compatibilityDate: COMPATIBILITY_DATE,
    compatibilityFlags: [...NOT_NODE, ...(extra.flags ?? [])],
    ...extra,
  };
}

function socket(port, entrypoint) {
  return { host: "127.0.0.1", port, ...(entrypoint ? { entrypoint } : {}) };
}

/** Bindings `PREFIX0`, `PREFIX1` ... for names that are no identifiers, and the table name -> binding. */
function numbered(prefix, names, target = (name) => name) {
  return {
    bindings: Object.fromEntries(names.map((name, index) => [`${prefix}${index}`, target(name)])),
    table: Object.fromEntries(names.map((name, index) => [name, `${prefix}${index}`])),
  };
}

function front(config) {
  const workers = numbered(
    "WORKER",
    config.workers.map((worker) => worker.name),
  );
  const { edge, api, cdn } = config.ports;
  return ownWorker("stowage-front", "front", {
    serviceBindings: workers.bindings,
    bindings: {
      ROUTES: config.routes ?? [],
      WORKERS: workers.table,
      ENTRY_HOSTS: config.entry_hosts,
    },
    unsafeDirectSockets: [socket(edge), socket(api, "Api"), socket(cdn, "Cdn")],
  });
}

function admin(config) {
  const names = config.workers.map((worker) => worker.name);
  const handlers = numbered("WORKER", names);
  const controls = numbered("CONTROL", names, (name) => ({ name, entrypoint: "Control" }));
  const databases = numbered("DATABASE", config.databases);
  const buckets = numbered("BUCKET", config.buckets);
  return ownWorker("stowage-admin", "admin", {
    flags: ["service_binding_extra_handlers"],
    serviceBindings: { ...handlers.bindings, ...controls.bindings },
    d1Databases: databases.bindings,
    r2Buckets: buckets.bindings,
    bindings: {
      CONTROL_SECRET: config.control_secret,
      WORKERS: handlers.table,
      CONTROLS: controls.table,
      DATABASES: databases.table,
      BUCKETS: buckets.table,
    },
    unsafeDirectSockets: [socket(config.ports.admin)],
  });
}

function s3(config) {
  const buckets = numbered("BUCKET", config.buckets);
  return ownWorker("stowage-s3", "s3", {
    // Of the face's own, with a name that no bucket can have: which multipart uploads and parts there are (multipart_index.mjs).
    r2Buckets: { ...buckets.bindings, UPLOADS_INDEX: "_s3_uploads" },
    durableObjects: { COMPLETIONS: { className: "Completions", useSQLite: true } },
    bindings: { S3: { ...config.s3, buckets: buckets.table } },
    unsafeDirectSockets: [socket(config.ports.s3)],
  });
}

/** Answers Miniflare's own entry socket, which nothing of the local cloud uses. */
const CLOSED = {
  name: "stowage-closed",
  modules: true,
  script:
    'export default { fetch: () => new Response("not an address of the local cloud\\n", { status: 404 }) };',
  compatibilityDate: COMPATIBILITY_DATE,
  compatibilityFlags: NOT_NODE,
};

export function runtimeOptions(config) {
  return {
    host: "127.0.0.1",
    port: 0,
    cf: false,
    telemetry: { enabled: false },
    logRequests: false,
    handleStructuredLogs: logStructured,
    r2Persist: path.join(config.data, "r2"),
    d1Persist: path.join(config.data, "d1"),
    workers: [
      CLOSED,
      ...config.workers.map((worker) => pythonWorker(worker, config)),
      front(config),
      admin(config),
      s3(config),
    ],
  };
}
