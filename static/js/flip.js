/** FLIP animations (First, Last, Invert, Play) of a swap: what moves glides, what is new fades in. */

import { queryVisible } from "./dom.js";

/**
 * @typedef {{ part: HTMLElement, place?: string, left: number, top: number }} Box
 * @typedef {ReadonlyMap<string, Box>} Boxes by video id, or class name
 */

const PARTS = "[data-list] :is(section, .pages, [data-video-id])";
const DURATION_MS = 300;
const NO_OFFSET = { x: 0, y: 0 };

/** @type {Animation[]} of the last swap */
const moves = [];

/** @returns {Boxes} in document order */
const measureBoxes = () => {
	const boxes = new Map();
	for (const part of queryVisible(PARTS)) {
		const { videoId = part.className, place } = part.dataset;
		const { left, top } = part.getBoundingClientRect();
		boxes.set(videoId, { part, place, left, top });
	}
	return boxes;
};

/** @param {Boxes} boxesBefore */
const keepScrollPosition = (boxesBefore) => {
	// At the very top, what comes in is seen.
	if (!scrollY) return;
	for (const [id, { place, top }] of measureBoxes()) {
		const before = boxesBefore.get(id);
		if (!before || before.place !== place || before.top < 0) continue;
		scrollBy(0, top - before.top);
		return;
	}
};

/** @param {Boxes} boxesBefore */
const playMoves = (boxesBefore) => {
	/** @type {Map<Element | null | undefined, { x: number, y: number }>} */
	const offsets = new Map();
	for (const [id, { part, left, top }] of measureBoxes()) {
		const before = boxesBefore.get(id);
		// Each moves by its own offset less that of the part around it.
		const containerOffset = offsets.get(part.parentElement?.closest(PARTS)) ?? NO_OFFSET;
		if (!before) {
			offsets.set(part, containerOffset);
			part.animate({ opacity: [0, 1] }, DURATION_MS);
			continue;
		}
		const offset = { x: before.left - left, y: before.top - top };
		offsets.set(part, offset);
		playMove(part, offset.x - containerOffset.x, offset.y - containerOffset.y);
	}
};

/**
 * @param {HTMLElement} part
 * @param {number} x
 * @param {number} y
 */
const playMove = (part, x, y) => {
	const translate = [`${x}px ${y}px`, "none"];
	if (x || y) moves.push(part.animate({ translate, easing: "ease-out" }, DURATION_MS));
};

/** @param {() => void} swap */
export const animateSwap = (swap) => {
	const shownBoxes = measureBoxes();
	// What still moves goes on from where it is seen. The scroll position is kept by where it belongs: a part that is
	// replaced stands there at once.
	for (const move of moves.splice(0)) move.cancel();
	const boxesBefore = measureBoxes();
	swap();
	keepScrollPosition(boxesBefore);
	if (matchMedia("(prefers-reduced-motion: reduce)").matches) return;
	playMoves(shownBoxes);
};
