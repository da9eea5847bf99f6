/** The connection: backs off, notices silence, comes back for ever; polls where no WebSocket can be had. No DOM. */

const SUBPROTOCOL = "ytarchive.progress.v2";
const PING_EVERY = 30_000;
const POLL_EVERY = 3_000;
const SILENT_AFTER = 6_000;
const GIVEN_UP_AFTER = 3_000;
// Without the subprotocol there is no heartbeat, only the answers to pings.
const PLAIN_SILENT_AFTER = PING_EVERY + 15_000;
const OPENING_AT_MOST = 10_000;
const FAILURES_BEFORE_POLLING = 3;

/** Full jitter: up to 4 s, up to 30 s when hidden or after ten minutes.
 * @param {number} failures @param {number} downFor @param {boolean} hidden @param {number} random from 0 to 1 */
export function delay(failures, downFor, hidden, random) {
  const cap = hidden || downFor > 600_000 ? 30_000 : 4_000;
  return random * Math.min(cap, 500 * 2 ** Math.min(failures, 10));
}

export class Socket {
  /** @type {WebSocket | null} */
  #ws = null;
  /** @type {ReturnType<typeof setTimeout> | undefined} */
  #retry;
  #failures = 0;
  #beganAt = 0;
  #heardAt = Date.now();
  #askedAt = 0;
  #pingedAt = 0;
  #polledAt = 0;
  #silent = false;
  #plain = false;
  /** HTTP gets through. */
  #answers = false;
  #polling = false;

  /** @param {string} url @param {string} snapshotUrl @param {Listener} page */
  constructor(url, snapshotUrl, page) {
    this.url = url;
    this.snapshotUrl = snapshotUrl;
    this.page = page;
  }

  start() {
    this.wake();
    setInterval(() => this.#watch(), 1000);
  }

  /** The network or the person is back: look at once. */
  wake() {
    if (this.#ws) this.#watch();
    else this.#open();
  }

  resync() {
    this.#ws?.send('{"type":"resync"}');
  }

  #open() {
    clearTimeout(this.#retry);
    // A browser fails a connection whose server selects no subprotocol: where HTTP works, offer none each second time.
    this.#plain = this.#polling && !this.#plain;
    const ws = new WebSocket(this.url, this.#plain ? [] : [SUBPROTOCOL]);
    this.#ws = ws;
    this.#beganAt = Date.now();
    ws.onopen = () => this.#opened();
    ws.onclose = () => this.#closed();
    ws.onmessage = ({ data }) => {
      if (data !== "pong") this.#heard(this.page.frame(JSON.parse(data)));
      else if (this.#plain) this.#heard(true);
    };
  }

  #opened() {
    this.#heardAt = this.#pingedAt = Date.now();
    if (this.#silent) this.page.state("paused");
    if (!this.#plain) return;
    this.#heard(true);
    this.page.missed();
  }

  /** @param {boolean} news and not a snapshot as it was before the silence */
  #heard(news) {
    this.#heardAt = Date.now();
    this.#askedAt = this.#failures = 0;
    this.#polling = this.#answers = false;
    this.#silent = !news;
    this.page.state(news ? "live" : "paused");
  }

  #closed() {
    const ws = this.#ws;
    if (ws) ws.onopen = ws.onclose = ws.onmessage = null;
    ws?.close();
    this.#ws = null;
    this.#askedAt = 0;
    this.#polling = this.#answers;
    this.page.state(this.#polling ? "polling" : "reconnecting");
    const wait = delay(this.#failures++, Date.now() - this.#heardAt, this.page.hidden(), Math.random());
    this.#retry = setTimeout(() => this.#open(), wait);
  }

  /** Once a second: pings, polls, and what to do about silence. */
  #watch() {
    const [now, ws] = [Date.now(), this.#ws];
    if (this.#failures >= FAILURES_BEFORE_POLLING && now - this.#polledAt >= POLL_EVERY) this.#poll(now);
    if (ws?.readyState === WebSocket.CONNECTING && now - this.#beganAt > OPENING_AT_MOST) this.#closed();
    if (ws?.readyState !== WebSocket.OPEN) return;
    if (now - this.#pingedAt >= PING_EVERY) {
      this.#pingedAt = now;
      ws.send("ping");
    }
    if (now - this.#heardAt >= (this.#plain ? PLAIN_SILENT_AFTER : SILENT_AFTER)) this.#bearSilence(now);
  }

  /** @param {number} now */
  #bearSilence(now) {
    if (!this.#askedAt) {
      this.#askedAt = now;
      this.page.state("paused");
      this.resync();
    } else if (now - this.#askedAt >= GIVEN_UP_AFTER) {
      this.#silent = true;
      this.#closed();
    }
  }

  /** See whether plain HTTP gets through, and then go on with that. @param {number} now */
  async #poll(now) {
    if (this.page.hidden()) return;
    this.#polledAt = now;
    const answer = await fetch(this.snapshotUrl).catch(() => null);
    const snapshot = answer?.ok ? await answer.json().catch(() => null) : null;
    if (!this.#failures) return;
    const news = snapshot && !this.#answers;
    this.#answers = Boolean(snapshot);
    if (snapshot && this.#polling) this.page.frame(snapshot);
    // The server may just have come back: only a socket that fails while HTTP works means polling.
    else if (news) this.wake();
    else if (this.#polling) {
      this.#polling = false;
      this.page.state("reconnecting");
    }
  }
}
