/** Entry of the library: a live list that animates its changes, with keys and a selection. */

import { queryAll } from "./dom.js";
import { animateSwap } from "./flip.js";
import { moveCardFocus } from "./grid_navigation.js";
import { startLivePage } from "./live_page.js";
import { listenForKeys } from "./shortcuts.js";

const selectAll = () => {
	for (const box of /** @type {HTMLInputElement[]} */ (queryAll(".pick"))) box.checked = true;
};

startLivePage({ aroundSwap: animateSwap });
listenForKeys(moveCardFocus);
addEventListener("click", ({ target }) => {
	if (/** @type {Element | null} */ (target)?.closest("[data-select-all]")) selectAll();
});
