// Errors of Miniflare and workerd in words for the person who started the local cloud.

export class ConfigurationError extends Error {}

const SCHEMA_HINT = "the configuration of the local cloud is not one workerd takes";

export function describe(error) {
  if (error instanceof ConfigurationError) return error.message;
  const text = String(error?.message ?? error);
  if (error?.code === "ERR_ADDRESS_IN_USE") {
    return `${text.split(".")[0]}: another program listens there. End it, or let the local cloud choose other ports.`;
  }
  if (error?.code === "ERR_RUNTIME_FAILURE") {
    return `workerd did not start. ${text.replace(/\s+/g, " ").trim()}`;
  }
  if (error?.code === "ERR_VALIDATION") return `${SCHEMA_HINT}: ${text.trim()}`;
  return text;
}
