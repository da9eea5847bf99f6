/** The page's cards: the server's own partials, swapped in many at once while somebody looks. */

import { all, find } from "./page.js";

const JITTER = 1_000;
const AGAIN_AFTER = 5_000;
const AT_ONCE = 50;

/** @type {CreateCards} */
export const createCards = (url, page) => {
	/** @type {Map<string, HTMLElement>} */
	const elements = new Map();
	/** @type {Map<string, Card>} */
	const shown = new Map();
	/** @type {Set<string>} */
	let wanted = new Set();
	let listWanted = false;
	let timer = 0;

	const scan = () => {
		elements.clear();
		shown.clear();
		for (const element of all("[data-video-id]")) {
			const { videoId = "", status = "", attempt } = element.dataset;
			elements.set(videoId, element);
			shown.set(videoId, { status, attempt: Number(attempt) });
		}
	};

	const schedule = (wait = Math.random() * JITTER) => {
		if (!(document.hidden || timer) && (listWanted || wanted.size)) timer = setTimeout(fetchWanted, wait);
	};

	const wantAll = () => {
		listWanted = Boolean(find("[data-list]"));
		wanted = new Set(listWanted ? [] : shown.keys());
		schedule();
	};

	const fetchWanted = async () => {
		const list = listWanted && find("[data-list]");
		const ids = list ? [] : [...wanted].slice(0, AT_ONCE);
		// What changes from now on is wanted again.
		listWanted = false;
		for (const id of ids) wanted.delete(id);
		const asked = ids.map((id) => `&id=${encodeURIComponent(id)}`).join("");
		const from = list ? list.dataset.list + location.search : url + asked;
		const answer = document.hidden
			? null
			: await fetch(from, { signal: AbortSignal.timeout(10_000) }).catch(() => null);
		const html = answer?.ok && !answer.redirected ? await answer.text().catch(() => null) : null;
		timer = 0;
		if (html !== null) swap(new DOMParser().parseFromString(html, "text/html"), list, ids);
		else if (list) listWanted = true;
		else wanted = new Set([...ids, ...wanted]);
		schedule(html === null ? AGAIN_AFTER : undefined);
	};

	/** @param {Document} answer @param {HTMLElement | null | false} list @param {string[]} ids */
	const swap = (answer, list, ids) => {
		const before = new Map(shown);
		keepingFocus(() => {
			for (const part of all("[data-part]", answer)) {
				const old = find(`[data-part="${part.dataset.part}"]`);
				if (old && !old.isEqualNode(part)) old.replaceWith(part);
			}
			const fresh = find("[data-list]", answer);
			if (list && fresh) list.replaceWith(fresh);
			else for (const id of ids) swapCard(id, find(`[data-video-id="${id}"]`, answer));
		});
		scan();
		const news = [...shown].filter(([id, { status }]) => status !== before.get(id)?.status).slice(0, 3);
		const text = (part = "", id = "") => find(part, elements.get(id))?.textContent;
		if (news.length)
			page.announce(news.map(([id]) => `${text("[data-title]", id)}: ${text("[data-state]", id)}`).join(". "));
		page.swapped();
	};

	/** @param {string} id @param {HTMLElement | null} fresh */
	const swapCard = (id, fresh) => {
		if (!fresh) page.absent(id);
		const old = elements.get(id);
		if (old && fresh && fresh.dataset.place === old.dataset.place) return old.replaceWith(fresh);
		old?.remove();
		const list = find(`[data-place-for="${fresh?.dataset.place}"]`);
		if (fresh && list) insert(list, fresh);
	};

	scan();
	return {
		elements,
		shown,
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

/** Keep the keyboard on the same control of the same video. @param {() => void} swap */
function keepingFocus(swap) {
	const card = find("[data-video-id]:focus-within");
	const controls = () => all(`[data-video-id="${card?.dataset.videoId}"] :is(a, button)`);
	const index = controls().findIndex((control) => control.matches(":focus"));
	swap();
	if (card && !card.isConnected) (controls()[index] ?? controls()[0])?.focus();
}
