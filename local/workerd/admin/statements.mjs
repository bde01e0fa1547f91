// Splits SQLite text into statements at the semicolons that end one.
//
// Semicolons inside '...', "...", `...`, [...], -- and /* */ comments end nothing, and neither do
// those between BEGIN and END of a trigger. Comments stay in the statements; a piece of comments
// alone is no statement.
const TOKEN = new RegExp(
  [
    /'(?:[^']|'')*'?/, // text; unclosed ones run to the end and SQLite reports them
    /"(?:[^"]|"")*"?/,
    /`(?:[^`]|``)*`?/,
    /\[[^\]]*\]?/,
    /--[^\n]*/,
    /\/\*[\s\S]*?(?:\*\/|$)/,
    /[A-Za-z_\u0080-\uffff][\w$\u0080-\uffff]*/,
    /[?][0-9]*|[:@$][A-Za-z_]\w*/,
    /[0-9][\w.]*/,
    /;/,
    /\s+/,
    /[\s\S]/,
  ]
    .map((part) => part.source)
    .join("|"),
  "gu",
);

class Statement {
  text = "";
  words = [];
  placeholders = 0;
  depth = 0;
  isEmpty = true;

  get isTrigger() {
    return /^CREATE (TEMP |TEMPORARY )?TRIGGER/.test(this.words.slice(0, 3).join(" "));
  }

  add(token) {
    this.text += token;
    if (/^(--|\/\*|\s)/.test(token)) return;
    this.isEmpty = false;
    if (/^([?]|[:@$]\w)/.test(token)) this.placeholders += 1;
    if (/^[A-Za-z_]/.test(token)) this.#word(token.toUpperCase());
  }

  #word(word) {
    if (this.words.length < 3) this.words.push(word);
    if (!this.isTrigger) return;
    if (word === "BEGIN" || word === "CASE") this.depth += 1;
    if (word === "END") this.depth -= 1;
  }
}

/** [{sql, placeholders}] of the statements in `text`, without their semicolons. */
export function splitStatements(text) {
  const statements = [];
  let current = new Statement();
  const finish = () => {
    if (!current.isEmpty)
      statements.push({ sql: current.text.trim(), placeholders: current.placeholders });
    current = new Statement();
  };
  for (const [token] of text.matchAll(TOKEN)) {
    if (token === ";" && current.depth <= 0) finish();
    else current.add(token);
  }
  finish();
  return statements;
}
