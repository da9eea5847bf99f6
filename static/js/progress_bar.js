/** One element, one state. */

import { query, setText } from "./dom.js";
import { formatPercent, formatProgressLine, formatValueText } from "./format.js";
import { hasEnded } from "./store.js";

export const drawBar = (element, state, stalled) => {
	const bar = query("[data-bar]", element);
	if (!bar) return;
	const ended = hasEnded(state.status);
	const number = state.status === "complete" ? 100 : ended ? 0 : state.percent;
	if (number === null) bar.removeAttribute("value");
	else bar.value = Math.floor(number * 10 + 0.5) / 10;
	bar.ariaValueNow = number === null ? null : `${bar.value}`;
	bar.ariaValueText = formatValueText(state);
	setText("[data-percent]", formatPercent(number), element);
	setText("[data-line]", ended ? "" : formatProgressLine(state), element);
	setText("[data-stalled]", stalled ? `no data for ${stalled} s` : "", element);
	if (state.phase !== null) setText("[data-phase]", state.phase, element);
};
