/** Selects many: all on the page, or with Shift from one to another. */

import { all } from "./page.js";

let last = 0;

addEventListener("click", ({ target, shiftKey }) => {
	const boxes = /** @type {HTMLInputElement[]} */ (all("[name=id]"));
	const box = /** @type {HTMLInputElement} */ (target);
	if (box.matches("[data-select-all]")) for (const other of boxes) other.checked = true;
	const at = boxes.indexOf(box);
	if (at < 0) return;
	const between = boxes.slice(Math.min(at, last), Math.max(at, last));
	if (shiftKey) for (const other of between) other.checked = box.checked;
	last = at;
});
