// When to look again: soon after something happened, ever more rarely while nothing does, never while
// nobody looks.

const SOONEST = 4_000;
const CALM = 60_000;
const GROWTH = 1.5;
const TROUBLED = 120_000;

export class Polling {
  /** `look` says whether something changed; it throws where that could not be found out. */
  constructor(look) {
    this.look = look;
    this.delay = SOONEST;
    this.running = false;
    document.addEventListener("visibilitychange", () => {
      if (!this.running) return;
      if (document.hidden) clearTimeout(this.timer);
      else this.soon();
    });
  }

  start() {
    this.running = true;
    this.wait(SOONEST);
  }

  stop() {
    this.running = false;
    clearTimeout(this.timer);
  }

  /** Something was done: looks at once, and often for a while. */
  soon() {
    this.delay = SOONEST;
    return this.turn();
  }

  async turn() {
    clearTimeout(this.timer);
    const turn = (this.current = {});
    let next;
    try {
      const changed = await this.look();
      this.delay = changed ? SOONEST : Math.min(this.delay * GROWTH, CALM);
      next = this.delay;
    } catch (problem) {
      this.delay = Math.min(this.delay * 2, TROUBLED);
      next = Math.max(this.delay, (problem.retryAfter || 0) * 1000);
    }
    // A look that was begun later decides.
    if (this.running && this.current === turn) this.wait(next);
  }

  wait(milliseconds) {
    clearTimeout(this.timer);
    if (!document.hidden) this.timer = setTimeout(() => this.turn(), milliseconds);
  }
}
