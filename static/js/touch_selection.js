/** Selection by touch: a long press begins it, and a tap on a card goes on with it. */

import { query } from "./dom.js";

const LONG_PRESS_MS = 500;

const isSelecting = () => query(".pick:checked") !== null;

/** @param {Element | null | undefined} card */
const toggleCard = (card) =>
	/** @type {HTMLElement | null | undefined} */ (card?.querySelector(".pick"))?.click();

let pressTimer = 0;
let wasLongPress = false;

addEventListener("pointerdown", ({ pointerType, target }) => {
	wasLongPress = false;
	const card = /** @type {Element | null} */ (target)?.closest(".card:has(> .pick)");
	if (pointerType !== "touch" || !card) return;
	pressTimer = setTimeout(() => {
		wasLongPress = true;
		toggleCard(card);
	}, LONG_PRESS_MS);
});
for (const event of ["pointerup", "pointercancel", "scroll"])
	addEventListener(event, () => clearTimeout(pressTimer), true);

// The menu of the browser, which a long press opens too.
addEventListener("contextmenu", (event) => {
	if (wasLongPress) event.preventDefault();
});

// A tap on the picture or the title selects, once something is selected.
addEventListener(
	"click",
	(event) => {
		const target = /** @type {Element | null} */ (event.target);
		const isCardLink = target?.closest(".card > .thumb, .card [data-title]");
		const isTouch = /** @type {PointerEvent} */ (event).pointerType === "touch";
		if (!isCardLink || !isTouch || !(wasLongPress || isSelecting())) return;
		event.preventDefault();
		if (!wasLongPress) toggleCard(target?.closest(".card"));
		wasLongPress = false;
	},
	true,
);
