/** The server's own partials, swapped in while somebody looks. */

import { all, find } from "./page.js";

const JITTER = 1_000;
const AGAIN_AFTER = 5_000;
const AT_ONCE = 100;
const LIST = "";

/** @type {CreateCards} */
export const createCards = (url, page) => {
	const shown = new Map();
	const wanted = new Set();
	let [fetching, timer] = [false, 0];

	const scan = () => {
		shown.clear();
		for (const element of all("[data-video-id]")) {
			const { videoId = "", status = "", attempt } = element.dataset;
			shown.set(videoId, { status, attempt: Number(attempt), element });
		}
		page.swapped();
	};

	const schedule = (wait = Math.random() * JITTER) => {
		if (document.hidden || fetching || !wanted.size) return;
		if (wait) timer ||= setTimeout(fetchWanted, wait);
		else fetchWanted();
	};

	const wantAll = () => {
		wanted.clear();
		for (const id of find("[data-list]") ? [LIST] : shown.keys()) wanted.add(id);
		schedule();
	};

	const fetchWanted = async () => {
		clearTimeout(timer);
		timer = 0;
		if (document.hidden) return;
		const { search } = location;
		const ids = [...wanted];
		const path = wanted.has(LIST) ? find("[data-list]")?.dataset.list : url;
		wanted.clear();
		fetching = true;
		const asked = `${path}${search.slice(1)}&id=${ids.join("&id=")}`;
		const html = await fetch(asked, { signal: AbortSignal.timeout(10_000) })
			.then((answer) => (answer.ok && !answer.redirected ? answer.text() : null))
			.catch(() => null);
		fetching = false;
		if (html === null || search !== location.search) for (const id of ids) wanted.add(id);
		else swap(new DOMParser().parseFromString(html, "text/html"), ids);
		schedule(html === null ? AGAIN_AFTER : undefined);
	};

	const swap = (answer, ids) => {
		const list = find("[data-list]", answer);
		keepingPlace(() => {
			if (list) find("[data-list]")?.replaceWith(list);
			else for (const id of ids) swapCard(id, find(`[data-video-id="${id}"]`, answer));
			for (const fresh of all("[data-part]", answer)) {
				const old = find(`[data-part="${fresh.dataset.part}"]`);
				if (old && !old.isEqualNode(fresh)) old.replaceWith(fresh);
			}
		});
		scan();
	};

	const swapCard = (id, fresh) => {
		const old = shown.get(id)?.element;
		const { place, order } = fresh?.dataset ?? {};
		if (!fresh) page.absent(id);
		const same = old?.dataset.place === place && old?.dataset.order === order;
		if (old && fresh && same) return old.replaceWith(fresh);
		old?.remove();
		const list = find(`[data-place-for="${place}"]`);
		if (fresh && list) insert(list, fresh);
		else if (place === "library") wanted.add(LIST);
	};

	return {
		shown,
		scan,
		wantAll,
		want(ids, wait) {
			for (const id of ids) wanted.add(id);
			if (wanted.size > AT_ONCE) wantAll();
			else schedule(wait);
		},
	};
};

// The list stays as long as a page.
const insert = (list, card) => {
	const next = all(":scope > li", list).find((other) => Number(other.dataset.order) > Number(card.dataset.order));
	list.insertBefore(card, next ?? null);
	if (list.children.length > list.dataset.limit) list.lastElementChild?.remove();
};

// The selection stays, and the focus or the next best to it.
const keepingPlace = (swap) => {
	const picked = all("[name=id]:checked").map((box) => box.getAttribute("value"));
	const { activeElement: active } = document;
	const titles = () => all("[data-title]");
	const place = titles().findIndex((title) => active && title.closest("[data-video-id]")?.contains(active));
	swap();
	for (const id of picked) find(`[name=id][value="${id}"]:not(:checked)`)?.click();
	if (!active || active.isConnected) return;
	const same = all("a, button, input, select").find((control) => control.isEqualNode(active));
	(same ?? titles()[place] ?? titles().at(-1))?.focus();
};
