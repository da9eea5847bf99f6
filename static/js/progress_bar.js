/** Progress bars: the state of a download in the markup that the server rendered. */

import { query, setText } from "./dom.js";
import { formatPercent, formatProgressLine, formatValueText } from "./format.js";
import { hasEnded } from "./store.js";

/** @import { VideoState } from "./store.js" */

/**
 * Return the percentage to draw: a bar that has ended is full or empty, whatever came last.
 *
 * @param {VideoState} state
 * @returns {number | null} null: unknown, an indeterminate bar
 */
const drawnPercent = ({ status, percent }) => {
	if (status === "complete") return 100;
	return hasEnded(status) ? 0 : percent;
};

/**
 * Draw a state into an element that holds `[data-bar]`; does nothing where there is none.
 *
 * @param {HTMLElement} element
 * @param {VideoState} state
 * @param {number} stalledSeconds 0: not stalled
 */
export const drawProgressBar = (element, state, stalledSeconds) => {
	/** @type {HTMLProgressElement | null} */
	const bar = query("[data-bar]", element);
	if (!bar) return;
	const percent = drawnPercent(state);
	if (percent === null) {
		bar.removeAttribute("value");
		bar.ariaValueNow = null;
	} else {
		// One decimal, as the server writes it.
		bar.value = Math.floor(percent * 10 + 0.5) / 10;
		bar.ariaValueNow = `${bar.value}`;
	}
	bar.ariaValueText = formatValueText(state);

	const line = hasEnded(state.status) ? "" : formatProgressLine(state);
	setText("[data-percent]", formatPercent(percent), element);
	setText("[data-line]", line, element);
	setText("[data-stalled]", stalledSeconds ? `no data for ${stalledSeconds} s` : "", element);
	if (state.phase !== null) setText("[data-phase]", state.phase, element);
};
