// One uploaded Python Worker -> a workerd Worker: host modules, Pyodide and the uploaded pack.
//
// Pyodide's WebAssembly and standard library (12 MB) and the pack are disk services: as modules of
// each Worker Miniflare would copy them again and again (6 s a reload).
import { readFileSync } from "node:fs";
import path from "node:path";
import { ConfigurationError } from "./failures.mjs";
import { HERE, modulesOf, NOT_NODE, readModule } from "./modules.mjs";

const PYTHON = ["handlers", "import_patch_manager", "allow_entropy"];

function pyodideFolder(config) {
  return config.runtime_flags?.pyodide ?? path.join(HERE, "node_modules", "pyodide");
}

/** The lock without its packages: wheels come with the pack, never from an index. */
function lockOf(folder) {
  const lock = JSON.parse(readFileSync(path.join(folder, "pyodide-lock.json"), "utf8"));
  return JSON.stringify({ ...lock, packages: {} });
}

function hostModules(folder) {
  const distribution = ["pyodide.mjs", "pyodide.asm.mjs"];
  return [
    ...modulesOf("worker", "host.mjs"),
    ...distribution.map((name) => readModule("ESModule", name, path.join(folder, name))),
    { type: "Text", path: "/w/pyodide-lock.txt", contents: lockOf(folder) },
    ...PYTHON.map((name) =>
      readModule("Text", `${name}.txt`, path.join(HERE, "worker/python", `${name}.py`)),
    ),
  ];
}

const FORMS = {
  r2_bucket: (worker, binding) => worker.r2Buckets.push([binding.name, binding.bucket_name]),
  d1: (worker, binding) =>
    worker.d1Databases.push([binding.name, binding.id ?? binding.database_id]),
  service: (worker, { name, service, entrypoint }) =>
    worker.serviceBindings.push([name, entrypoint ? { name: service, entrypoint } : service]),
  images: (worker, binding) => worker.images.push({ binding: binding.name }),
  ratelimit: (worker, { name, namespace_id, simple }) =>
    worker.ratelimits.push([name, { namespace_id, simple }]),
  queue: () => {},
  analytics_engine: () => {},
  plain_text: () => {},
  secret_text: () => {},
  json: () => {},
};

function checkBinding(worker, binding, config) {
  const refuse = (why) => {
    throw new ConfigurationError(`binding ${binding.name} of Worker ${worker.name} ${why}`);
  };
  if (!Object.hasOwn(FORMS, binding.type)) {
    refuse(
      `has type ${binding.type}, which the local cloud does not emulate; it knows ${Object.keys(FORMS).join(", ")}`,
    );
  }
  if (binding.type === "r2_bucket" && !config.buckets.includes(binding.bucket_name)) {
    refuse(`names the bucket ${binding.bucket_name}, which does not exist`);
  }
  if (binding.type === "d1" && !config.databases.includes(binding.id ?? binding.database_id)) {
    refuse(`names the database ${binding.id ?? binding.database_id}, which does not exist`);
  }
  if (
    binding.type === "service" &&
    !config.workers.some((other) => other.name === binding.service)
  ) {
    refuse(`names the Worker ${binding.service}, which is not deployed`);
  }
}

/** The Worker as it runs in one data centre, under a name of its own there. */
export function pythonWorker(worker, config, { name, dataCentre }) {
  const folder = pyodideFolder(config);
  const natives = {
    r2Buckets: [],
    d1Databases: [],
    serviceBindings: [],
    images: [],
    ratelimits: [],
  };
  for (const binding of worker.bindings) {
    checkBinding(worker, binding, config);
    FORMS[binding.type](natives, binding);
  }
  if (natives.images.length > 1) {
    throw new ConfigurationError(
      `Worker ${worker.name} has ${natives.images.length} bindings of type images; the local cloud gives one a Worker`,
    );
  }
  return {
    name,
    modulesRoot: "/w",
    modules: hostModules(folder),
    compatibilityDate: worker.compatibility_date,
    // workerd would start its own Python for these flags; the host modules start it.
    compatibilityFlags: [
      ...new Set([
        ...worker.compatibility_flags.filter((flag) => !flag.startsWith("python_")),
        ...NOT_NODE,
      ]),
    ],
    unsafeEvalBinding: "__EVAL",
    r2Buckets: Object.fromEntries(natives.r2Buckets),
    d1Databases: Object.fromEntries(natives.d1Databases),
    images: natives.images[0],
    ratelimits: Object.fromEntries(natives.ratelimits),
    serviceBindings: {
      ...Object.fromEntries(natives.serviceBindings),
      __RUNTIME: { disk: { path: folder, writable: false } },
      __PACK: { disk: { path: path.dirname(path.resolve(worker.pack)), writable: false } },
      __DAEMON: { external: { address: config.daemon, http: {} } },
    },
    bindings: {
      __HOST: {
        worker: worker.name,
        data_centre: dataCentre,
        main_module: worker.main_module,
        pack: path.basename(worker.pack),
        daemon: config.daemon,
        control_secret: config.control_secret,
        faults: Boolean(config.faults),
        bindings: worker.bindings,
      },
    },
  };
}
