/** What the page believes of each video: the rules of attempts, ends and gaps. Pure: the clock is passed in. */

/** @import { Batch, Frame, Message, Outcome, Shown, Snapshot, State, Totals } from "./types.js" */

const ENDED = ["complete", "failed", "cancelled"];
const ACTIVE = ["downloading", "processing"];
const STALLED_AFTER = 20_000;
const ASK_AGAIN_AFTER = 6_000;
const MISSING_KEPT = 500;

/** @param {string | null | undefined} status */
export const hasEnded = (status) => ENDED.includes(status ?? "");
/** @param {string | null | undefined} status */
export const isActive = (status) => ACTIVE.includes(status ?? "");

export class Store {
  /** @type {Map<string, State>} kept for what is active or on the page only */
  states = new Map();
  /** @type {Set<string>} ids that the server answered "not here" about */
  #missing = new Set();
  #epoch = "";
  #seq = -1;
  /** @type {number | null} when a snapshot was asked for that has not come yet */
  #asked = null;

  /** @param {number} rev of the page @param {boolean} open: it takes videos that it does not show yet */
  constructor(rev, open) {
    this.rev = rev;
    this.open = open;
  }

  /** @param {Frame} frame @param {Shown} shown @param {number} now @returns {Outcome} */
  receive(frame, shown, now) {
    const outcome = { moved: new Set(), cards: new Set(), list: false, resync: false };
    if (frame.type === "snapshot") this.#replace(/** @type {Snapshot} */ (frame), shown, now, outcome);
    else if (frame.type === "batch") this.#follow(/** @type {Batch} */ (frame), shown, now, outcome);
    else this.#apply(/** @type {Message} */ (frame), shown, now, outcome);
    return outcome;
  }

  /** @param {Snapshot} frame @param {Shown} shown @param {number} now @param {Outcome} outcome */
  #replace(frame, shown, now, outcome) {
    const before = this.states;
    this.states = new Map();
    [this.#epoch, this.#seq, this.#asked] = [frame.epoch, frame.seq, null];
    for (const message of frame.videos) {
      this.#apply({ ...message, type: "progress" }, shown, now, outcome, true);
      const [old, state] = [before.get(message.video_id), this.states.get(message.video_id)];
      if (old && state && old.percent === state.percent && old.downloaded_bytes === state.downloaded_bytes)
        state.at = old.at;
    }
    for (const [id, card] of shown) if (isActive(card.status) && !this.states.has(id)) outcome.cards.add(id);
    outcome.list = frame.rev !== this.rev;
    this.rev = frame.rev;
  }

  /** @param {Batch} frame @param {Shown} shown @param {number} now @param {Outcome} outcome */
  #follow(frame, shown, now, outcome) {
    if (this.#asked !== null && now - this.#asked < ASK_AGAIN_AFTER) return;
    if (this.#asked !== null || frame.epoch !== this.#epoch || frame.from > this.#seq + 1) {
      this.#asked = now;
      outcome.resync = true;
    } else if (frame.seq > this.#seq) {
      this.#seq = frame.seq;
      for (const message of frame.messages) this.#apply(message, shown, now, outcome);
    }
  }

  /** @param {Message} message @param {Shown} shown @param {number} now @param {Outcome} outcome */
  #apply(message, shown, now, outcome, fresh = false) {
    const [id, card] = [message.video_id, shown.get(message.video_id)];
    this.rev = Math.max(this.rev, message.rev ?? 0);
    if (this.#missing.has(id) || !(card || this.open)) return;
    if (message.type === "changed") return void outcome.cards.add(id);
    const old = this.states.get(id);
    const known = old ?? (fresh ? undefined : card);
    const attempt = message.attempt ?? known?.attempt ?? 1;
    const later = !known || attempt > known.attempt;
    if (known && attempt < known.attempt) return;
    if (message.type === "progress" && !later && hasEnded(known.status)) return;
    const status = message.status ?? (later ? null : known.status);
    const state = merged(old?.attempt === attempt ? old : undefined, message, { attempt, status, at: now });
    // The end of what the page does not show needs no memory: its card says it all.
    if (hasEnded(status) && !card) this.states.delete(id);
    else this.states.set(id, state);
    outcome.moved.add(id);
    const news =
      message.type === "status" ? status !== card?.status || attempt !== card?.attempt : !old || later;
    if (news && !(message.type === "progress" && isActive(card?.status) && attempt === card?.attempt))
      outcome.cards.add(id);
  }

  /** The server says that `id` is not here. @param {string} id */
  absent(id) {
    this.states.delete(id);
    this.#missing.add(id);
    for (const oldest of this.#missing) if (this.#missing.size > MISSING_KEPT) this.#missing.delete(oldest);
  }

  /** The page shows what it shows now: forget everything else that does not run. @param {Shown} shown */
  settle(shown) {
    for (const [id, state] of this.states) {
      const card = shown.get(id);
      const over = card ? hasEnded(card.status) && card.attempt >= state.attempt : hasEnded(state.status);
      if (over) this.states.delete(id);
    }
  }

  /** @param {number} now @returns {Map<string, number>} the downloads that stand still, with seconds */
  stalled(now) {
    const still = [...this.states].filter(
      ([, { status, at }]) =>
        status !== "processing" && status !== "queued" && !hasEnded(status) && now - at >= STALLED_AFTER,
    );
    return new Map(still.map(([id, { at }]) => [id, Math.floor((now - at) / 1000)]));
  }

  /** @returns {Totals} */
  totals() {
    const running = [...this.states.values()].filter(
      (state) => state.status !== "queued" && !hasEnded(state.status),
    );
    const known = running.filter((state) => state.percent !== null);
    return {
      count: running.length,
      percent: known.length
        ? known.reduce((sum, state) => sum + (state.percent ?? 0), 0) / known.length
        : null,
      speed: running.reduce((sum, state) => sum + (state.speed ?? 0), 0),
      eta: running.reduce(
        (/** @type {number | null} */ most, { eta }) => (eta === null ? most : Math.max(most ?? 0, eta)),
        null,
      ),
    };
  }
}

/** Bytes and percent are always said; phase stays until another comes, speed and time left do not.
 * @param {State | undefined} old @param {Message} message @param {Pick<State, "attempt" | "status" | "at">} sure
 * @returns {State} */
function merged(old, message, sure) {
  return {
    percent: message.percent !== undefined ? message.percent : (old?.percent ?? null),
    downloaded_bytes:
      message.downloaded_bytes !== undefined ? message.downloaded_bytes : (old?.downloaded_bytes ?? null),
    total_bytes: message.total_bytes !== undefined ? message.total_bytes : (old?.total_bytes ?? null),
    speed: message.speed ?? null,
    eta: message.eta ?? null,
    phase: message.phase ?? old?.phase ?? null,
    ...sure,
  };
}
