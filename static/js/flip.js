/** FLIP animations (First, Last, Invert, Play) of a swap: what moves glides, what is new fades in. */

import { queryVisible } from "./dom.js";

/**
 * @typedef {{ part: HTMLElement, place?: string, left: number, top: number }} Box
 * @typedef {ReadonlyMap<string, Box>} Boxes by video id, or class name
 */

const PARTS = "[data-list] :is(section, .pages, [data-video-id])";
const DURATION_MS = 300;
const NO_OFFSET = { x: 0, y: 0 };

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
		const isAnchor = before && before.place === place && before.top >= 0;
		if (!isAnchor) continue;
		scrollBy(0, top - before.top);
		return;
	}
};

/** @param {Boxes} boxesBefore */
const playMoves = (boxesBefore) => {
	/** @type {Map<Element, { x: number, y: number }>} */
	const offsets = new Map();
	for (const [id, { part, left, top }] of measureBoxes()) {
		const before = boxesBefore.get(id);
		// Each moves by its own offset less that of the part around it.
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
 * @param {HTMLElement} part
 * @param {number} x
 * @param {number} y
 */
const playMove = (part, x, y) => {
	if (x === 0 && y === 0) return;
	const translate = [`${x}px ${y}px`, "none"];
	// Added to one that still runs, so that nothing jumps.
	part.animate({ translate, easing: "ease-out", composite: "add" }, DURATION_MS);
};

/** @param {() => void} swap */
export const animateSwap = (swap) => {
	const boxesBefore = measureBoxes();
	swap();
	keepScrollPosition(boxesBefore);
	if (matchMedia("(prefers-reduced-motion: reduce)").matches) return;
	playMoves(boxesBefore);
};
