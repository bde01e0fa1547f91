// HostConfig, as the daemon sends it with `apply`, and the checks that make its mistakes readable:
//
// {
//   ports: {edge, api, cdn, s3, admin},        data: folder of R2 and D1,
//   daemon: "127.0.0.1:PORT",                  control_secret,
//   entry_hosts: {api, cdn},                   faults: bool (default false),
//   data_centres: [name] (default: one),
//   workers: [{name, main_module, pack, compatibility_date, compatibility_flags, bindings}],
//   routes: [{pattern, script|null}],          buckets: [name],  databases: [id],
//   zone_names: [name] (of the zone; of others the daemon is asked whether they are served;
//     default: all names are),
//   s3: {region, tokens: [{access_key_id, secret_access_key, buckets, permission}], cors: {bucket: [rule]}},
//   runtime_flags: {pyodide?: folder of the Pyodide distribution}
// }
import { existsSync } from "node:fs";
import { createServer } from "node:net";
import { ConfigurationError } from "./failures.mjs";

export const SOCKETS = ["edge", "api", "cdn", "s3", "admin"];
const WORKER_FIELDS = [
  "name",
  "main_module",
  "pack",
  "compatibility_date",
  "compatibility_flags",
  "bindings",
];

function fail(text) {
  throw new ConfigurationError(text);
}

function checkPorts(ports) {
  for (const socket of SOCKETS) {
    const port = ports?.[socket];
    if (!Number.isInteger(port) || port < 1 || port > 65535) {
      fail(`ports.${socket} is ${JSON.stringify(port)}; it must be a port number from 1 to 65535`);
    }
  }
  if (new Set(SOCKETS.map((socket) => ports[socket])).size < SOCKETS.length) {
    fail(`two of the ports ${JSON.stringify(ports)} are the same; each socket needs its own`);
  }
}

/** The names of the data centres, the first of which serves whoever asks for none. */
export function dataCentres(config) {
  return config.data_centres ?? ["local"];
}

function checkDataCentres(names) {
  const good = Array.isArray(names) && names.every((name) => /^[a-z0-9]{1,20}$/.test(name));
  if (!good || names.length === 0 || new Set(names).size < names.length) {
    fail(`data_centres is ${JSON.stringify(names)}; it must be a list of different short names`);
  }
}

function checkWorker(worker) {
  for (const field of WORKER_FIELDS) {
    if (worker[field] === undefined)
      fail(`Worker ${worker.name ?? "without a name"} has no ${field}`);
  }
  if (!worker.main_module.endsWith(".py")) {
    fail(`Worker ${worker.name}: main module ${worker.main_module} is not a .py file`);
  }
  if (!existsSync(worker.pack))
    fail(`Worker ${worker.name}: its pack file ${worker.pack} does not exist`);
}

function checkTargets(config) {
  const scripts = new Set(config.workers.map((worker) => worker.name));
  if (scripts.size < config.workers.length) fail("two Workers have the same name");
  for (const { pattern, script } of config.routes ?? []) {
    if (script && !scripts.has(script))
      fail(`route ${pattern} names the Worker ${script}, which is not deployed`);
  }
}

export function checkConfiguration(config) {
  if (config === null || typeof config !== "object")
    fail("apply needs a HostConfig object as params");
  for (const field of ["data", "daemon", "control_secret", "entry_hosts", "s3"]) {
    if (!config[field]) fail(`the HostConfig has no ${field}`);
  }
  for (const field of ["workers", "buckets", "databases"]) {
    if (!Array.isArray(config[field])) fail(`the HostConfig's ${field} is not a list`);
  }
  checkPorts(config.ports);
  checkDataCentres(dataCentres(config));
  config.workers.forEach(checkWorker);
  checkTargets(config);
}

/** Rejects with a message that names the socket when another program holds one of the ports. */
export async function checkPortsAreFree(ports) {
  for (const socket of SOCKETS) {
    await new Promise((resolve, reject) => {
      const probe = createServer();
      probe.once("error", (error) => {
        const why = error.code === "EADDRINUSE" ? "another program listens there" : error.message;
        reject(
          new ConfigurationError(
            `port ${ports[socket]} on 127.0.0.1 (socket ${socket}) cannot be opened: ${why}. ` +
              "End that program, or let the local cloud choose other ports.",
          ),
        );
      });
      probe.listen({ host: "127.0.0.1", port: ports[socket], exclusive: true }, () =>
        probe.close(resolve),
      );
    });
  }
}
