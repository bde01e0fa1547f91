// HostConfig -> Miniflare's options: the uploaded Python Workers, and beside them the front, admin
// and S3 Workers, each on direct sockets (Miniflare's own entry rewrites paths and headers).
import path from "node:path";
import { dataCentres } from "./checks.mjs";
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

/** Each Worker once for each data centre: {worker, name, dataCentre}. In the first data centre it
 * bears its own name; queues, schedules and service bindings mean that one. */
function instances(config) {
  return dataCentres(config).flatMap((dataCentre, index) =>
    config.workers.map((worker) => ({
      worker,
      dataCentre,
      name: index === 0 ? worker.name : `${worker.name}.${dataCentre}`,
    })),
  );
}

function front(config) {
  const all = instances(config);
  const workers = numbered(
    "WORKER",
    all.map((one) => one.name),
  );
  const inDataCentre = (dataCentre) =>
    Object.fromEntries(
      all
        .filter((one) => one.dataCentre === dataCentre)
        .map((one) => [one.worker.name, workers.table[one.name]]),
    );
  const { edge, api, cdn } = config.ports;
  return ownWorker("stowage-front", "front", {
    serviceBindings: workers.bindings,
    bindings: {
      ROUTES: config.routes ?? [],
      ZONE_NAMES: config.zone_names ?? null,
      DAEMON: config.daemon,
      CONTROL_SECRET: config.control_secret,
      DATA_CENTRES: dataCentres(config),
      WORKERS: Object.fromEntries(dataCentres(config).map((one) => [one, inDataCentre(one)])),
      ENTRY_HOSTS: config.entry_hosts,
    },
    unsafeDirectSockets: [socket(edge), socket(api, "Api"), socket(cdn, "Cdn")],
  });
}

function admin(config) {
  const names = config.workers.map((worker) => worker.name);
  const handlers = numbered("WORKER", names);
  const everywhere = instances(config).map((one) => one.name);
  const controls = numbered("CONTROL", everywhere, (name) => ({ name, entrypoint: "Control" }));
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
    cachePersist: path.join(config.data, "cache"),
    workers: [
      CLOSED,
      ...instances(config).map(({ worker, ...where }) => pythonWorker(worker, config, where)),
      front(config),
      admin(config),
      s3(config),
    ],
  };
}
