/** Entry of the library: a live list that animates its changes, with keys, menus and a selection. */

import { handleCardKey, makeSingleTabStops } from "./card_focus.js";
import { placeCard, pushedCards } from "./card_lists.js";
import { query } from "./dom.js";
import { animateSwap } from "./flip.js";
import { startLivePage } from "./live_page.js";
import { preserveSelection } from "./preserve_selection.js";
import { listenForKeys } from "./shortcuts.js";

startLivePage({
	aroundSwap(swap) {
		animateSwap(() => preserveSelection(swap));
		makeSingleTabStops();
	},
	placeCard,
	pushedCards: query("[data-push]") ? pushedCards : undefined,
	readTitle: () => `${query("[data-page-title]")?.dataset.pageTitle} · ytarchive`,
});
listenForKeys(handleCardKey);
makeSingleTabStops();
addEventListener("htmx:afterSettle", makeSingleTabStops);
// Once the page is live.
import("./selection.js");
