/** The header's pill, and the rows of its panel: all active downloads, in the markup that the server rendered. */

import { query, queryAll, setText } from "./dom.js";
import { formatPace, formatPercent, formatPhrase } from "./format.js";

/** @import { createStore, VideoState } from "./store.js" */

/**
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
