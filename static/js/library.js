/** The library's own keys and ticks. */

import { queryAll, queryVisible } from "./dom.js";
import { animateSwap } from "./flip.js";
import { startLivePage } from "./live_page.js";
import { listenForKeys } from "./shortcuts.js";

startLivePage({ aroundSwap: animateSwap });

listenForKeys((key, target) => {
	const titles = queryVisible("li [data-title]");
	const card = target.closest("li");
	const at = titles.findIndex((title) => card?.contains(title));
	const lefts = titles.map((title) => title.closest("li")?.offsetLeft);
	const [ArrowUp, ArrowDown] = [
		lefts.slice(0, at).lastIndexOf(lefts[at]),
		lefts.indexOf(lefts[at], at + 1),
	];
	const places = {
		ArrowLeft: at - 1,
		ArrowRight: at + 1,
		ArrowUp,
		ArrowDown,
		Home: 0,
		End: lefts.length - 1,
	};
	const next = titles[at < 0 ? at : places[key]];
	next?.focus();
	return !!next;
});

addEventListener("click", ({ target }) => {
	if (target?.closest("[data-select-all]")) for (const box of queryAll(".pick")) box.checked = true;
});
