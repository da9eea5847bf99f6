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
	const titles = all("li [data-title]").filter((title) => title.checkVisibility());
	const at = titles.findIndex((title) => card.contains(title));
	const tops = titles.map((title) => title.closest("li")?.offsetTop);
	const columns = tops.filter((top) => top === tops[at]).length;
	const steps = { ArrowLeft: -1, ArrowRight: 1, ArrowUp: -columns, ArrowDown: columns, Home: -at, End: tops.length };
	return steps[key] && titles[Math.min(at + steps[key], tops.length - 1)];
};

addEventListener("click", ({ target }) => {
	if (target?.closest("[data-select-all]")) for (const box of all("[name=id]")) box.checked = true;
});
