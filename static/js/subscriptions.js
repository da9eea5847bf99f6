/** Entry of the pages of subscriptions: live like others, and what a check does is followed until it ends. */

import { query } from "./dom.js";
import { startLivePage } from "./live_page.js";
import { preserveSelection } from "./preserve_selection.js";
import "./selection.js";

const CHECK_INTERVAL_MS = 4_000;

const { requestAll } = startLivePage({ aroundSwap: preserveSelection });

// A check that finds nothing writes no event: the page asks, as long as it shows that one is due or running.
setInterval(() => {
	if (!document.hidden && query("[data-changing]")) requestAll();
}, CHECK_INTERVAL_MS);
