/** Entry of the pages of subscriptions: live like others, and what a check does is followed until it ends. */

import { query, queryAll } from "./dom.js";
import { startLivePage } from "./live_page.js";
import { preserveSelection } from "./preserve_selection.js";
import "./selection.js";
import "./start_choice.js";

const CHECK_INTERVAL_MS = 4_000;

/** @returns {HTMLInputElement[]} */
const boxes = () => queryAll(".pick");
/** The box above the list, which is set while all of the page are. */
const pageBox = () => /** @type {HTMLInputElement | null} */ (query("input[data-select-page]"));

const showWhetherAllAreSelected = () => {
	const box = pageBox();
	if (box) box.checked = boxes().every(({ checked }) => checked);
};

/** @param {() => void} swap */
const aroundSwap = (swap) => {
	preserveSelection(swap);
	showWhetherAllAreSelected();
};

const { requestAll } = startLivePage({ aroundSwap });

// After `selection.js`, whose listener is the earlier one: it selects all, and never clears them.
addEventListener("click", ({ target }) => {
	const box = pageBox();
	if (target !== box) showWhetherAllAreSelected();
	else for (const other of boxes()) other.checked = !!box?.checked;
});

// A check that finds nothing writes no event: the page asks, as long as it shows that one is due or running.
setInterval(() => {
	if (!document.hidden && query("[data-changing]")) requestAll();
}, CHECK_INTERVAL_MS);
