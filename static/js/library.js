/** Entry of the library: a live list that animates its changes, with keys, menus and a selection. */

import { handleCardKey, makeSingleTabStops } from "./card_focus.js";
import { queryAll } from "./dom.js";
import { animateSwap } from "./flip.js";
import { startLivePage } from "./live_page.js";
import { listenForKeys } from "./shortcuts.js";

const selectAll = () => {
	for (const box of /** @type {HTMLInputElement[]} */ (queryAll(".pick"))) box.checked = true;
};

startLivePage({
	aroundSwap(swap) {
		animateSwap(swap);
		makeSingleTabStops();
	},
});
listenForKeys(handleCardKey);
makeSingleTabStops();
addEventListener("htmx:afterSettle", makeSingleTabStops);
addEventListener("click", ({ target }) => {
	if (/** @type {Element | null} */ (target)?.closest("[data-select-all]")) selectAll();
});
