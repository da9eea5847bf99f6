/** One element, one state: written at most once per animation frame, so never while the tab is hidden. */

/** @import { State } from "./types.js" */

import { line, percent, valuetext } from "./format.js";
import { hasEnded } from "./store.js";

export class Bars {
  /** @type {Map<string, State>} */
  #due = new Map();
  #frame = 0;

  /** @param {(id: string) => Element | undefined} find @param {() => void} after each writing */
  constructor(find, after) {
    this.find = find;
    this.after = after;
  }

  /** @param {string} id @param {State} state */
  show(id, state) {
    this.#due.set(id, state);
    this.#frame ||= requestAnimationFrame(() => this.#write());
  }

  #write() {
    this.#frame = 0;
    for (const [id, state] of this.#due) {
      const element = this.find(id);
      if (element) write(element, state);
    }
    this.#due.clear();
    this.after();
  }
}

/** @param {Element} element @param {State} state */
function write(element, state) {
  const bar = /** @type {HTMLProgressElement | null} */ (element.querySelector("[data-bar]"));
  if (!bar) return;
  const number = state.status === "complete" ? 100 : hasEnded(state.status) ? 0 : state.percent;
  const rounded = number === null ? null : Math.floor(number * 10 + 0.5) / 10;
  bar.hidden = state.status === "queued" && number === null;
  if (rounded === null) {
    bar.removeAttribute("value");
    bar.removeAttribute("aria-valuenow");
  } else {
    bar.value = rounded;
    bar.setAttribute("aria-valuenow", `${rounded}`);
  }
  bar.setAttribute("aria-valuetext", valuetext(state));
  text(element, "[data-percent]", percent(number));
  text(element, "[data-line]", hasEnded(state.status) ? "" : line(state));
  if (state.phase !== null) text(element, "[data-phase]", state.phase);
}

/** @param {Element} element @param {number | undefined} seconds without news */
export function showStalled(element, seconds) {
  const note = /** @type {HTMLElement | null} */ (element.querySelector("[data-stalled]"));
  if (!note) return;
  note.hidden = seconds === undefined;
  text(note, "[data-stalled-words]", seconds === undefined ? "" : `no data for ${seconds} s`);
}

/** @param {Element} element @param {string} selector @param {string} words */
export function text(element, selector, words) {
  const found = element.querySelector(selector);
  if (found && found.textContent !== words) found.textContent = words;
}
