// One running workerd and its changes of configuration.
import { mkdirSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { Miniflare } from "miniflare";
import workerd from "workerd";
import { checkConfiguration, checkPortsAreFree, SOCKETS } from "./checks.mjs";
import { runtimeOptions } from "./configuration.mjs";

process.env.STOWAGE_WORKERD = workerd.default ?? workerd;
process.env.MINIFLARE_WORKERD_PATH = fileURLToPath(new URL("guard.sh", import.meta.url));

export class Cloud {
  #miniflare;
  #ports;

  /**
   * Brings workerd to `config` and resolves when all sockets listen: {ports, workers}.
   * R2 and D1 keep their data; requests in flight end with an error. After a failure nothing runs,
   * and the next call starts anew.
   */
  async apply(config) {
    checkConfiguration(config);
    mkdirSync(config.data, { recursive: true });
    const ports = Object.fromEntries(SOCKETS.map((socket) => [socket, config.ports[socket]]));
    if (JSON.stringify(ports) !== JSON.stringify(this.#ports)) {
      await this.stop();
      await checkPortsAreFree(ports);
    }
    const options = runtimeOptions(config);
    try {
      if (this.#miniflare) await this.#miniflare.setOptions(options);
      else this.#miniflare = new Miniflare(options);
      await this.#miniflare.ready;
    } catch (error) {
      await this.stop().catch(() => {});
      throw error;
    }
    this.#ports = ports;
    return { ports, workers: config.workers.map((worker) => worker.name) };
  }

  /** Ends workerd; does nothing when none runs. */
  async stop() {
    const miniflare = this.#miniflare;
    this.#miniflare = this.#ports = undefined;
    await miniflare?.dispose();
  }
}
