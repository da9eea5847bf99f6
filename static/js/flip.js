/**
 * FLIP animations (First, Last, Invert, Play) of a swap: what moves glides, and what is read stays.
 *
 * Boxes are measured before and after the swap. Each part that has moved is animated from where it
 * was; a part that is new fades in.
 */

import { queryVisible } from "./dom.js";

/**
 * A part of the list, and where it stands in the viewport.
 *
 * @typedef {object} Box
 * @property {HTMLElement} part
 * @property {string | undefined} place the list that a card belongs to
 * @property {number} left
 * @property {number} top
 */

/** @typedef {ReadonlyMap<string, Box>} Boxes by video id, or by class name where a part is no card */

/** @typedef {{ x: number, y: number }} Offset in pixels */

const PARTS = "[data-list] :is(section, .waiting, .pages, [data-video-id])";
const DURATION_MS = 300;
const NO_OFFSET = { x: 0, y: 0 };

/**
 * Measure all visible parts, in document order.
 *
 * @returns {Boxes}
 */
const measureBoxes = () => {
	const boxes = new Map();
	for (const part of queryVisible(PARTS)) {
		const { videoId = part.className, place } = part.dataset;
		const { left, top } = part.getBoundingClientRect();
		boxes.set(videoId, { part, place, left, top });
	}
	return boxes;
};

/**
 * Scroll so that the first part in view that has stayed in its list stands where it stood.
 *
 * @param {Boxes} boxesBefore
 */
const keepScrollPosition = (boxesBefore) => {
	// At the very top the visitor wants to see what comes in there.
	if (!scrollY) return;
	for (const [id, { place, top }] of measureBoxes()) {
		const before = boxesBefore.get(id);
		const isAnchor = before && before.place === place && before.top >= 0;
		if (!isAnchor) continue;
		scrollBy(0, top - before.top);
		return;
	}
};

/**
 * Animate all parts from where they were to where they are.
 *
 * @param {Boxes} boxesBefore
 */
const playMoves = (boxesBefore) => {
	/** How far away each part was before, by its element. @type {Map<Element, Offset>} */
	const offsets = new Map();
	for (const [id, { part, left, top }] of measureBoxes()) {
		const before = boxesBefore.get(id);
		// A part moves with the one around it (which comes first in document order), and is animated
		// by what is left of its own move.
		const container = part.parentElement?.closest(PARTS);
		const containerOffset = (container && offsets.get(container)) ?? NO_OFFSET;
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
 * Animate one part from an offset to its place.
 *
 * @param {HTMLElement} part
 * @param {number} x
 * @param {number} y
 */
const playMove = (part, x, y) => {
	if (x === 0 && y === 0) return;
	const translate = [`${x}px ${y}px`, "none"];
	// Added to an animation that still runs, so that a second swap in between makes no jump.
	part.animate({ translate, easing: "ease-out", composite: "add" }, DURATION_MS);
};

/**
 * Run a swap of the list, and animate what it moves.
 *
 * @param {() => void} swap
 */
export const animateSwap = (swap) => {
	const boxesBefore = measureBoxes();
	swap();
	keepScrollPosition(boxesBefore);
	if (matchMedia("(prefers-reduced-motion: reduce)").matches) return;
	playMoves(boxesBefore);
};
