/** Progress bars, and the pill of all downloads: their states in the markup that the server rendered. */

import { query, queryAll, setText } from "./dom.js";
import {
	formatPace,
	formatPercent,
	formatPhrase,
	formatProgressLine,
	formatValueText,
} from "./format.js";
import { hasEnded } from "./store.js";

/** @import { createStore, VideoState } from "./store.js" */

const MAX_BARS_PER_FRAME = 25;

/** @param {VideoState} state */
const drawnPercent = ({ status, percent }) => {
	if (status === "complete") return 100;
	return hasEnded(status) ? 0 : percent;
};

/**
 * Draw a state into an element, if it holds a bar.
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
		bar.value = Math.floor(percent * 10 + 0.5) / 10;
		bar.ariaValueNow = `${bar.value}`;
	}
	bar.ariaValueText = formatValueText(state);

	const line = hasEnded(state.status) ? "" : formatProgressLine(state);
	setText("[data-percent]", formatPercent(percent), element);
	setText("[data-line]", line, element);
	// The phrase of what waits comes with its card only.
	if (element.dataset.status === "queued") return;
	setText("[data-state]", formatPhrase(state, stalledSeconds), element);
	query("[data-state]", element)?.toggleAttribute("data-stalled", stalledSeconds > 0);
};

/**
 * Draw bars in turns, so that no animation frame takes long.
 *
 * @param {(videoId: string) => void} drawBar
 */
export const createBarQueue = (drawBar) => {
	/** @type {Set<string>} */
	const pendingIds = new Set();

	const drawFrame = () => {
		for (const id of [...pendingIds].slice(0, MAX_BARS_PER_FRAME)) {
			pendingIds.delete(id);
			drawBar(id);
		}
		if (pendingIds.size) requestAnimationFrame(drawFrame);
	};

	return {
		/** @param {Iterable<string>} ids */
		add(ids) {
			if (!pendingIds.size) requestAnimationFrame(drawFrame);
			for (const id of ids) pendingIds.add(id);
		},
	};
};

/**
 * Draw the header's pill, and the rows of its panel: all active downloads.
 *
 * @param {ReturnType<typeof createStore>} store
 * @param {{ percent: number | null, speed: number | null }} totals
 * @param {(state: VideoState) => VideoState} asShown
 */
export const drawPill = (store, { percent, speed }, asShown) => {
	setText("[data-pill-totals]", formatPace({ speed, eta: null }, formatPercent(percent)));
	for (const row of queryAll(".panel:popover-open [data-panel-video]")) {
		const state = store.states.get(`${row.dataset.panelVideo}`);
		if (!state) continue;
		const shown = asShown(state);
		/** @type {HTMLProgressElement | null} */
		const bar = query("progress", row);
		if (bar && state.percent !== null) bar.value = state.percent;
		const phrase = formatPhrase(state, store.stalledSeconds(state, Date.now()));
		setText("[data-panel-line]", formatPace(shown, phrase, formatPercent(state.percent)), row);
	}
};
