/** One element, one state: drawn once per animation frame at most, so never while the tab is hidden. */

import { line, percent, valuetext } from "./format.js";
import { find, write } from "./page.js";
import { hasEnded } from "./store.js";

/** @type {CreateBars} */
export const createBars = (element, after) => {
	/** @type {Map<string, State>} */
	const due = new Map();
	let frame = 0;

	const drawAll = () => {
		frame = 0;
		for (const [id, state] of due) draw(element(id), state);
		due.clear();
		after();
	};

	return (id, state) => {
		due.set(id, state);
		if (!frame) frame = requestAnimationFrame(drawAll);
	};
};

/** @param {HTMLElement | undefined} element @param {State} state */
function draw(element, state) {
	const bar = /** @type {HTMLProgressElement | null | undefined} */ (element && find("[data-bar]", element));
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

/** @param {HTMLElement | undefined} element @param {number | null} seconds without news */
export function drawStalled(element, seconds) {
	const note = element && find("[data-stalled]", element);
	if (!note) return;
	note.hidden = seconds === null;
	write("[data-stalled-words]", `no data for ${seconds} s`, note);
}
