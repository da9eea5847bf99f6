/** What moves glides; what is read stays. */

import { queryVisible } from "./dom.js";

// Each less what the one around it does; added to what still glides.
const PARTS = "[data-list] :is(section, .waiting, .pages, [data-video-id])";

const look = () =>
	new Map(
		queryVisible(PARTS).map((part) => {
			const { videoId = part.className, place } = part.dataset;
			const { left, top } = part.getBoundingClientRect();
			return [videoId, { part, place, left, top }];
		}),
	);

export const glide = (swap) => {
	const before = look();
	swap();
	for (const [id, { place, top }] of scrollY ? look() : []) {
		const old = before.get(id);
		if (!old || place !== old.place || old.top < 0) continue;
		scrollBy(0, top - old.top);
		break;
	}
	if (matchMedia("(prefers-reduced-motion: reduce)").matches) return;
	const ways = new Map();
	for (const [id, { part, left, top }] of look()) {
		const old = before.get(id);
		const [x, y] = ways.get(part.parentElement?.closest(PARTS)) ?? [0, 0];
		const way = old ? [old.left - left, old.top - top] : [x, y];
		ways.set(part, way);
		const move = `${way[0] - x}px ${way[1] - y}px`;
		if (!old) part.animate({ opacity: [0, 1] }, 300);
		else if (move !== "0px 0px")
			part.animate({ translate: [move, "none"], easing: "ease-out", composite: "add" }, 300);
	}
};
