/** The connection: it backs off, notices silence, comes back for ever, and polls where no WebSocket can be had. No DOM. */

/** @import { Connection, Frame } from "./types.js" */

const SUBPROTOCOL = "ytarchive.progress.v2";
const PING_EVERY = 30_000;
const POLL_EVERY = 3_000;
const SILENT_AFTER = 6_000;
const GIVEN_UP_AFTER = 3_000;
// Without the subprotocol there is no heartbeat, only the answers to pings.
const PLAIN_SILENT_AFTER = PING_EVERY + 15_000;
const OPENING_AT_MOST = 10_000;
const LONG = 600_000;

/** Full jitter: up to 4 s, up to 30 s when hidden or after ten minutes.
 * @param {number} attempt @param {number} downFor @param {boolean} hidden @param {number} random from 0 to 1 */
export function delay(attempt, downFor, hidden, random) {
  const cap = hidden || downFor > LONG ? 30_000 : 4_000;
  return random * Math.min(cap, 500 * 2 ** Math.min(attempt, 10));
}

export class Socket {
  /** @type {WebSocket | null} */
  #ws = null;
  /** @type {ReturnType<typeof setTimeout> | undefined} */
  #retry;
  #attempt = 0;
  #began = 0;
  #heardAt = Date.now();
  #askedAt = 0;
  #pingedAt = 0;
  #silent = false;
  #answers = false;
  #polling = false;
  #plain = false;

  /** @param {string} url @param {string} snapshotUrl
   * @param {{ frame: (frame: Frame) => void, state: (state: Connection) => void, hidden: () => boolean }} page */
  constructor(url, snapshotUrl, page) {
    this.url = url;
    this.snapshotUrl = snapshotUrl;
    this.page = page;
  }

  start() {
    this.#open();
    setInterval(() => this.#watch(), 1000);
  }

  /** The network or the person is back: look at once. */
  wake() {
    if (this.#ws) this.#watch();
    else this.#open();
  }

  resync() {
    if (this.#ws?.readyState === WebSocket.OPEN) this.#ws.send('{"type":"resync"}');
  }

  #open() {
    clearTimeout(this.#retry);
    // A browser fails a connection whose server selects no subprotocol: where HTTP works, offer none each second time.
    this.#plain = this.#polling && !this.#plain;
    const ws = new WebSocket(this.url, this.#plain ? [] : [SUBPROTOCOL]);
    this.#ws = ws;
    this.#began = Date.now();
    ws.onopen = () => this.#opened();
    ws.onclose = () => this.#closed();
    ws.onmessage = ({ data }) => {
      this.#heard();
      if (data !== "pong") this.page.frame(JSON.parse(data));
    };
  }

  #opened() {
    this.#heardAt = this.#pingedAt = Date.now();
    this.#askedAt = 0;
    if (this.#plain) this.#heard();
    else if (this.#silent) this.page.state("paused");
  }

  #heard() {
    this.#heardAt = Date.now();
    this.#askedAt = this.#attempt = 0;
    this.#silent = this.#polling = this.#answers = false;
    this.page.state("live");
  }

  #closed() {
    this.#drop();
    this.#polling = this.#answers;
    this.page.state(this.#polling ? "polling" : "reconnecting");
    const wait = delay(this.#attempt++, Date.now() - this.#heardAt, this.page.hidden(), Math.random());
    this.#retry = setTimeout(() => this.#open(), wait);
    if (this.#attempt === 3) this.#poll();
  }

  /** Let go of the socket, whatever it may still say. */
  #drop() {
    const ws = this.#ws;
    this.#ws = null;
    if (!ws) return;
    ws.onopen = ws.onclose = ws.onmessage = null;
    ws.close();
  }

  /** Once a second: pings, and what to do about silence. */
  #watch() {
    const [now, ws] = [Date.now(), this.#ws];
    if (ws?.readyState === WebSocket.CONNECTING && now - this.#began > OPENING_AT_MOST) return this.#closed();
    if (ws?.readyState !== WebSocket.OPEN) return;
    if (now - this.#pingedAt >= PING_EVERY) {
      this.#pingedAt = now;
      ws.send("ping");
    }
    if (now - this.#heardAt < (ws.protocol ? SILENT_AFTER : PLAIN_SILENT_AFTER)) return;
    if (!this.#askedAt) {
      this.#askedAt = now;
      this.page.state("paused");
      this.resync();
    } else if (now - this.#askedAt >= GIVEN_UP_AFTER) {
      this.#silent = true;
      this.#closed();
    }
  }

  /** Several connects failed: see whether plain HTTP gets through, and then go on with that. */
  async #poll() {
    for (; this.#attempt; await new Promise((resume) => setTimeout(resume, POLL_EVERY))) {
      if (this.page.hidden()) continue;
      const snapshot = await fetch(this.snapshotUrl).then(
        (answer) => (answer.ok ? answer.json() : null),
        () => null,
      );
      if (!this.#attempt) return;
      const news = snapshot !== null && !this.#answers;
      this.#answers = snapshot !== null;
      if (snapshot && this.#polling) this.page.frame(snapshot);
      // The server may just have come back: only a socket that fails while HTTP works means polling.
      else if (news) this.wake();
      else if (this.#polling && !snapshot) this.#closedHttp();
    }
  }

  #closedHttp() {
    this.#polling = false;
    this.page.state("reconnecting");
  }
}
