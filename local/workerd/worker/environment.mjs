// A Worker's `env`: exactly its declared bindings, none of the host's own.
import { AnalyticsEngineDataset } from "./analytics_engine.mjs";
import { faulty, faultyPost } from "./faults.mjs";
import { WorkerQueue } from "./queue.mjs";

function valueOf(binding, env, host) {
  switch (binding.type) {
    case "plain_text":
    case "secret_text":
      return binding.text;
    case "json":
      return typeof binding.json === "string" ? JSON.parse(binding.json) : binding.json;
    case "queue":
      return new WorkerQueue(binding.queue_name, env.__DAEMON, host);
    case "analytics_engine":
      return new AnalyticsEngineDataset(
        binding.dataset,
        env.__DAEMON,
        host,
        host.faults ? faultyPost(binding, env.__DAEMON, host) : (post) => post(),
      );
    default:
      return env[binding.name];
  }
}

export function ownEnvironment(env, host) {
  const own = {};
  for (const binding of host.bindings) {
    const value = valueOf(binding, env, host);
    own[binding.name] = host.faults ? faulty(value, binding, env.__DAEMON, host) : value;
  }
  return Object.freeze(own);
}
