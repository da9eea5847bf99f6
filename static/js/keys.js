/** Keys: to the fields that name one, from card to card, and the player's. */

import { all, find } from "./page.js";
import { press } from "./player.js";

addEventListener("keydown", (event) => {
	const { key, target, ctrlKey, altKey, metaKey } = event;
	if (!target || ctrlKey || altKey || metaKey || find("dialog[open]")) return;
	if (key === "Escape") target.blur();
	if (target.closest("input:not([type=checkbox]), textarea, select")) return;
	const card = target.closest("li[data-video-id]");
	const next = find(`[aria-keyshortcuts="${CSS.escape(key)}"]`) ?? (card && neighbour(card, key));
	if (next) next.focus();
	if (next || press(event)) event.preventDefault();
});

const neighbour = (card, key) => {
	const titles = all("li [data-title]").filter((each) => each.checkVisibility());
	const at = titles.findIndex((title) => card.contains(title));
	const lefts = titles.map((title) => title.closest("li")?.offsetLeft);
	const [ArrowUp, ArrowDown] = [lefts.slice(0, at).lastIndexOf(lefts[at]), lefts.indexOf(lefts[at], at + 1)];
	const places = { ArrowLeft: at - 1, ArrowRight: at + 1, ArrowUp, ArrowDown, Home: 0, End: lefts.length - 1 };
	return titles[places[key]];
};

addEventListener("click", ({ target }) => {
	if (target?.closest("[data-select-all]")) for (const box of all("[name=id]")) box.checked = true;
});
