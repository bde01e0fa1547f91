// The D1 query endpoint: text of one or more statements, all of them or none.
//
// D1's own `exec` splits at line ends and `prepare` takes one statement, so the text is split here
// and given to `batch`, which is one transaction.
import { AdminError } from "./errors.mjs";
import { splitStatements } from "./statements.mjs";

/** [{sql, params}] of one {sql, params}: parameters belong to the text's last statement, as in SQLite's API. */
function statementsOf({ sql, params = [] }) {
  if (typeof sql !== "string") throw new AdminError(400, "sql must be a string");
  if (!Array.isArray(params)) throw new AdminError(400, "params must be a list");
  const statements = splitStatements(sql);
  if (statements.length === 0) throw new AdminError(400, "sql holds no statement");
  const early = statements.slice(0, -1).find(({ placeholders }) => placeholders > 0);
  if (early) {
    throw new AdminError(
      400,
      `parameters bind to the last statement only, and an earlier one has placeholders: ${early.sql.slice(0, 80)}`,
    );
  }
  return statements.map((statement, index) => ({
    sql: statement.sql,
    params: index === statements.length - 1 ? params : [],
  }));
}

export async function query(database, body) {
  const requests = Array.isArray(body.batch) ? body.batch : [body];
  if (requests.length === 0) throw new AdminError(400, "batch is empty");
  const statements = requests.flatMap(statementsOf);
  try {
    const results = await database.batch(
      statements.map(({ sql, params }) => {
        const prepared = database.prepare(sql);
        return params.length > 0 ? prepared.bind(...params) : prepared;
      }),
    );
    return {
      result: results.map(({ results: rows, meta }) => ({
        success: true,
        results: rows ?? [],
        meta,
      })),
    };
  } catch (error) {
    throw new AdminError(
      400,
      String(error.message ?? error).replace(/^D1_(EXEC_|TYPE_)?ERROR: /, ""),
    );
  }
}

// Miniflare's own way to D1's export; it knows it by exactly this text.
const EXPORT = "PRAGMA miniflare_d1_export(?,?,?);";

/** The whole database as SQL text, read in one go, so that no write comes in between. */
export async function dump(database) {
  const [lines] = await database.prepare(EXPORT).bind(0, 0).raw();
  return new Response(lines.join("\n") + "\n", {
    headers: { "content-type": "application/sql" },
  });
}
