/** The server's own partials, swapped in. */

import { query, queryAll, queryVisible, restoreFocus } from "./dom.js";

const JITTER = 1_000;
const AGAIN_AFTER = 5_000;
const AT_ONCE = 100;
const LIST = "";

/** The page's name, and how it swaps. */
export const own = { title: document.title, around: (swap) => swap() };

/** @type {CreateCards} */
export const createCards = (url, page) => {
	const shown = new Map();
	const wanted = new Set();
	let [fetching, timer] = [false, 0];

	const scan = () => {
		shown.clear();
		for (const element of queryAll("[data-video-id]")) {
			const { videoId, status, attempt } = element.dataset;
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
		for (const id of query("[data-list]") ? [LIST] : shown.keys()) wanted.add(id);
		schedule();
	};

	const fetchWanted = async () => {
		clearTimeout(timer);
		timer = 0;
		if (document.hidden) return;
		const { search } = location;
		const ids = [...wanted];
		const path = wanted.has(LIST) ? query("[data-list]")?.dataset.list : url;
		wanted.clear();
		fetching = true;
		const asked = `${path}${search.slice(1)}&id=${ids.join("&id=")}`;
		const html = await fetch(asked, { signal: AbortSignal.timeout(10_000) })
			.then((answer) => (answer.ok && !answer.redirected ? answer.text() : ""))
			.catch(() => "");
		fetching = false;
		// htmx answers only what is on the page.
		const busy = query(".htmx-request");
		if (!html || busy || search !== location.search) for (const id of ids) wanted.add(id);
		else swap(new DOMParser().parseFromString(html, "text/html"), ids);
		schedule(html ? undefined : AGAIN_AFTER);
	};

	const swap = (answer, ids) => {
		const list = query("[data-list]", answer);
		keepingPlace(() => {
			if (list) query("[data-list]")?.replaceWith(list);
			else for (const id of ids) swapCard(id, query(`[data-video-id="${id}"]`, answer));
			for (const fresh of queryAll("[data-part]", answer)) {
				const old = query(`[data-part="${fresh.dataset.part}"]`);
				if (old && !old.isEqualNode(fresh)) old.replaceWith(fresh);
			}
		});
		scan();
	};

	const swapCard = (id, fresh) => {
		const old = shown.get(id)?.element;
		const { place, order } = fresh?.dataset ?? {};
		if (!fresh) page.absent(id);
		if (old && fresh && old.dataset.place === place && old.dataset.order === order)
			return old.replaceWith(fresh);
		const list = query(`[data-place-for="${place}"]`);
		const cut = [old, list].some((each) => each?.closest("[data-more]"));
		if (cut || (place === "library" && !list)) wanted.add(LIST);
		old?.remove();
		if (!fresh || !list) return;
		const next = queryAll(":scope > li", list).find((other) => Number(other.dataset.order) > order);
		list.insertBefore(fresh, next ?? null);
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

// The selection and the focus stay.
const keepingPlace = (swap) => {
	const picked = queryAll(".pick:checked").map((box) => box.value);
	const { activeElement: active } = document;
	const titles = () => queryVisible("[data-title], .queue-state button:first-child");
	const place = titles().findIndex((title) =>
		title.closest("[data-video-id], .queue-state")?.contains(active),
	);
	own.around(swap);
	for (const box of queryAll(".pick")) box.checked = picked.includes(box.value);
	if (!active || active.checkVisibility()) return;
	const same = queryVisible("a, button, input").find((control) =>
		control.cloneNode().isEqualNode(active.cloneNode()),
	);
	restoreFocus(same ?? titles()[place] ?? titles()[place - 1]);
};
