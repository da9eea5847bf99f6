/** The page's cards: the server's own partials, swapped in many at once while somebody looks. */

import { all, find } from "./page.js";

const JITTER = 1_000;
const AGAIN_AFTER = 5_000;
const AT_ONCE = 50;

/** @type {CreateCards} */
export const createCards = (url, page) => {
	/** @type {Map<string, Card>} */
	const shown = new Map();
	/** @type {Set<string>} */
	let wanted = new Set();
	let [listWanted, fetching, timer] = [false, false, 0];

	const scan = () => {
		shown.clear();
		for (const element of all("[data-video-id]")) {
			const { videoId = "", status = "", attempt } = element.dataset;
			shown.set(videoId, { status, attempt: Number(attempt), element });
		}
		page.swapped();
	};

	const schedule = (wait = Math.random() * JITTER) => {
		if (document.hidden || fetching || !(listWanted || wanted.size)) return;
		if (wait) timer ||= setTimeout(fetchWanted, wait);
		else fetchWanted();
	};

	const wantAll = () => {
		listWanted = Boolean(find("[data-list]"));
		wanted = new Set(listWanted ? [] : shown.keys());
		schedule();
	};

	const fetchWanted = async () => {
		clearTimeout(timer);
		timer = 0;
		if (document.hidden) return;
		const { search } = location;
		const list = listWanted && find("[data-list]")?.dataset.list;
		const ids = list ? [] : [...wanted].slice(0, AT_ONCE);
		// What changes from now on is wanted again.
		listWanted = false;
		for (const id of ids) wanted.delete(id);
		const asked = search.replace("?", "&") + ids.map((id) => `&id=${encodeURIComponent(id)}`).join("");
		fetching = true;
		const limit = { signal: AbortSignal.timeout(10_000) };
		const answer = await fetch(list ? list + search : url + asked, limit).catch(() => null);
		const html = answer?.ok && !answer.redirected ? await answer.text().catch(() => null) : null;
		fetching = false;
		// Somebody may have turned the page meanwhile.
		if (html !== null && search === location.search) swap(new DOMParser().parseFromString(html, "text/html"), ids);
		else if (list) listWanted = true;
		else wanted = new Set([...ids, ...wanted]);
		schedule(html === null ? AGAIN_AFTER : undefined);
	};

	/** @param {Document} answer @param {string[]} ids */
	const swap = (answer, ids) => {
		keepingPlace(() => {
			for (const part of all("[data-part], [data-list]", answer)) {
				const { part: name, list } = part.dataset;
				const old = find(list ? "[data-list]" : `[data-part="${name}"]`);
				if (old && !old.isEqualNode(part)) old.replaceWith(part);
			}
			for (const id of ids) swapCard(id, find(`[data-video-id="${id}"]`, answer));
		});
		scan();
	};

	/** @param {string} id @param {HTMLElement | null} fresh */
	const swapCard = (id, fresh) => {
		if (!fresh) page.absent(id);
		const old = shown.get(id)?.element;
		const place = fresh?.dataset.place;
		if (old && fresh && place === old.dataset.place) return old.replaceWith(fresh);
		old?.remove();
		const list = find(`[data-place-for="${place}"]`);
		if (fresh && list) insert(list, fresh);
		else if (place === "library") listWanted = true;
	};

	return {
		shown,
		scan,
		wantAll,
		want(ids, wait) {
			for (const id of ids) wanted.add(id);
			if (wanted.size > 2 * AT_ONCE) wantAll();
			else schedule(wait);
		},
	};
};

/** Put a card in its order, and keep the list as long as a page. @param {HTMLElement} list @param {HTMLElement} card */
function insert(list, card) {
	const next = all(":scope > li", list).find((other) => Number(other.dataset.order) > Number(card.dataset.order));
	list.insertBefore(card, next ?? null);
	while (list.children.length > Number(list.dataset.limit ?? Infinity)) list.lastElementChild?.remove();
}

/** Keep the selection, and the keyboard on the same control, the same video, or the next one. @param {() => void} swap */
function keepingPlace(swap) {
	const picked = all("[name=id]:checked").map((box) => box.getAttribute("value"));
	const { activeElement: active } = document;
	const card = find("[data-video-id]:focus-within");
	const place = card ? all("[data-video-id]").indexOf(card) : 0;
	swap();
	for (const id of picked) find(`[name=id][value="${id}"]:not(:checked)`)?.click();
	if (!active || active.isConnected) return;
	const cards = all("[data-video-id]");
	const next = find(`[data-video-id="${card?.dataset.videoId}"]`) ?? cards[place] ?? cards.at(-1);
	const same = all("a, button, input, select").find((control) => control.isEqualNode(active));
	(same ?? (next && find("[data-title]", next)))?.focus();
}
