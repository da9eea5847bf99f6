/** What the page believes of each video: the rules of attempts, ends and gaps. Pure: the clock is passed in. */

const STALLED_AFTER = 20_000;
const ASK_AGAIN_AFTER = 6_000;
const MISSING_KEPT = 500;

/** @type {Kind} */
export const hasEnded = (status) => ["complete", "failed", "cancelled"].includes(status ?? "");
/** @type {Kind} */
const isActive = (status) => ["downloading", "processing"].includes(status ?? "downloading");

export class Store {
  /** @type {Map<string, State>} kept for what is active or on the page only */
  states = new Map();
  /** @type {Set<string>} the server answered "not here" */
  #missing = new Set();
  #epoch = "";
  #seq = -1;
  /** When a snapshot was asked for that has not come yet. */
  #asked = 0;

  /** @param {number} rev of the page @param {boolean} open to videos that it does not show yet */
  constructor(rev, open) {
    this.rev = rev;
    this.open = open;
  }

  /** @param {Frame} frame @param {Shown} shown @param {number} now @returns {Outcome} */
  receive(frame, shown, now) {
    const outcome = { moved: new Set(), cards: new Set(), list: false, resync: false, news: true };
    const moment = { shown, now, outcome };
    if (frame.type === "snapshot") this.#replace(/** @type {Snapshot} */ (frame), moment);
    else if (frame.type === "batch") this.#follow(/** @type {Batch} */ (frame), moment);
    else this.#apply(/** @type {Message} */ (frame), moment);
    return outcome;
  }

  /** @param {Snapshot} frame @param {Moment} moment */
  #replace(frame, moment) {
    const before = this.states;
    this.states = new Map();
    moment.outcome.news = frame.epoch !== this.#epoch || frame.seq !== this.#seq;
    [this.#epoch, this.#seq, this.#asked] = [frame.epoch, frame.seq, 0];
    for (const message of frame.videos) {
      this.#apply({ ...message, type: "progress" }, moment, true);
      const [old, state] = [before.get(message.video_id), this.states.get(message.video_id)];
      if (old && old.percent === state?.percent && old.downloaded_bytes === state.downloaded_bytes) state.at = old.at;
    }
    for (const [id, { status }] of moment.shown) {
      if (isActive(status) && !this.states.has(id)) moment.outcome.cards.add(id);
    }
    moment.outcome.list = frame.rev !== this.rev;
    this.rev = frame.rev;
  }

  /** @param {Batch} frame @param {Moment} moment */
  #follow({ epoch, from, seq, messages }, moment) {
    if (this.#asked && moment.now - this.#asked < ASK_AGAIN_AFTER) return;
    if (this.#asked || epoch !== this.#epoch || from > this.#seq + 1) {
      this.#asked = moment.now;
      moment.outcome.resync = true;
    } else if (seq > this.#seq) {
      this.#seq = seq;
      for (const message of messages) this.#apply(message, moment);
    }
  }

  /** @param {Message} message @param {Moment} moment */
  #apply(message, { shown, now, outcome }, fresh = false) {
    const id = message.video_id;
    const card = shown.get(id);
    this.rev = Math.max(this.rev, message.rev ?? 0);
    if (this.#missing.has(id) || !(card || this.open)) return;
    if (message.type === "changed") return void outcome.cards.add(id);
    const old = this.states.get(id);
    const known = old ?? (fresh ? undefined : card);
    const attempt = message.attempt ?? known?.attempt ?? card?.attempt ?? 1;
    const later = !known || attempt > known.attempt;
    const isProgress = message.type === "progress";
    if (known && (attempt < known.attempt || (isProgress && !later && hasEnded(known.status)))) return;
    const status = message.status ?? (later ? null : known.status);
    // The end of what the page does not show needs no memory: its card says it all.
    if (hasEnded(status) && !card) this.states.delete(id);
    else this.states.set(id, merged(later ? undefined : old, message, { attempt, status, at: now }));
    outcome.moved.add(id);
    const differs = attempt !== card?.attempt || (isProgress ? !isActive(card.status) : status !== card.status);
    if (differs && (!isProgress || !old || later)) outcome.cards.add(id);
  }

  /** The server does not have `id`. @param {string} id */
  absent(id) {
    this.states.delete(id);
    this.#missing.add(id);
    for (const oldest of this.#missing) if (this.#missing.size > MISSING_KEPT) this.#missing.delete(oldest);
  }

  /** Forget what is over on the page, or over and not on it. @param {Shown} shown */
  settle(shown) {
    for (const [id, state] of this.states) {
      const card = shown.get(id);
      if (card ? hasEnded(card.status) && card.attempt >= state.attempt : hasEnded(state.status))
        this.states.delete(id);
    }
  }

  /** For how many seconds a download stands still; null: it does not. @param {State} state @param {number} now */
  stalled({ status, at }, now) {
    const stands = (status ?? "downloading") === "downloading" && now - at >= STALLED_AFTER;
    return stands ? Math.floor((now - at) / 1000) : null;
  }

  /** @returns {Totals} */
  totals() {
    const running = [...this.states.values()].filter(({ status }) => isActive(status));
    const percents = running.flatMap(({ percent }) => percent ?? []);
    const etas = running.flatMap(({ eta }) => eta ?? []);
    return {
      count: running.length,
      percent: percents.length ? percents.reduce((sum, one) => sum + one) / percents.length : null,
      speed: running.reduce((sum, { speed }) => sum + (speed ?? 0), 0),
      eta: etas.length ? Math.max(...etas) : null,
    };
  }
}

/** What a message leaves out stays, but for the pace. @param {State | undefined} old @param {Message} message
 * @param {Pick<State, "attempt" | "status" | "at">} sure @returns {State} */
function merged(old, message, sure) {
  const nothing = { percent: null, downloaded_bytes: null, total_bytes: null, phase: null };
  const { percent, downloaded_bytes, total_bytes, phase } = { ...nothing, ...old, ...message };
  return {
    percent,
    downloaded_bytes,
    total_bytes,
    phase,
    speed: message.speed ?? null,
    eta: message.eta ?? null,
    ...sure,
  };
}
