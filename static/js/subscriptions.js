/** Entry of the pages of subscriptions: live like others, and what a check does is followed until it ends. */

import { query, queryAll } from "./dom.js";
import { startLivePage } from "./live_page.js";
import { preserveSelection } from "./preserve_selection.js";
import "./selection.js";
import "./start_choice.js";

const CHECK_INTERVAL_MS = 4_000;

/** Set the box above the list while all of the page are selected. */
const showWhetherAllAreSelected = () => {
	const pageBox = /** @type {HTMLInputElement | null} */ (query("input[data-select-page]"));
	const boxes = /** @type {HTMLInputElement[]} */ (queryAll(".pick"));
	if (pageBox) pageBox.checked = boxes.every(({ checked }) => checked);
};

/** @param {() => void} swap */
const aroundSwap = (swap) => {
	preserveSelection(swap);
	showWhetherAllAreSelected();
};

const { requestAll } = startLivePage({ aroundSwap });

// After `selection.js`, whose listener is the earlier one.
addEventListener("click", showWhetherAllAreSelected);

// A check that finds nothing writes no event: the page asks, as long as it shows that one is due or running.
setInterval(() => {
	if (!document.hidden && query("[data-changing]")) requestAll();
}, CHECK_INTERVAL_MS);
