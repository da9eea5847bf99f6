/** One element, one state: written at most once per animation frame, and so never while the tab is hidden. */

import { line, percent, valuetext } from "./format.js";
import { find, write } from "./page.js";
import { hasEnded } from "./store.js";

export class Bars {
  /** @type {Map<string, State>} */
  #due = new Map();
  #frame = 0;

  /** @param {(id: string) => HTMLElement | undefined} element @param {() => void} after each frame */
  constructor(element, after) {
    this.element = element;
    this.after = after;
  }

  /** @param {string} id @param {State} state */
  show(id, state) {
    this.#due.set(id, state);
    this.#frame ||= requestAnimationFrame(() => this.#draw());
  }

  #draw() {
    this.#frame = 0;
    for (const [id, state] of this.#due) {
      const element = this.element(id);
      if (element) draw(element, state);
    }
    this.#due.clear();
    this.after();
  }
}

/** @param {HTMLElement} element @param {State} state */
function draw(element, state) {
  const bar = /** @type {HTMLProgressElement | null} */ (find("[data-bar]", element));
  if (!bar) return;
  const ended = hasEnded(state.status);
  const number = state.status === "complete" ? 100 : ended ? 0 : state.percent;
  bar.hidden = state.status === "queued" && number === null;
  if (number === null) {
    bar.removeAttribute("value");
    bar.removeAttribute("aria-valuenow");
  } else {
    bar.value = Math.floor(number * 10 + 0.5) / 10;
    bar.setAttribute("aria-valuenow", `${bar.value}`);
  }
  bar.setAttribute("aria-valuetext", valuetext(state));
  write("[data-percent]", percent(number), element);
  write("[data-line]", ended ? "" : line(state), element);
  if (state.phase !== null) write("[data-phase]", state.phase, element);
}

/** @param {HTMLElement} element @param {number | null} seconds without news */
export function drawStalled(element, seconds) {
  const note = find("[data-stalled]", element);
  if (!note) return;
  note.hidden = seconds === null;
  write("[data-stalled-words]", seconds === null ? "" : `no data for ${seconds} s`, note);
}
