/** Socket, store, bars and cards. */

import { createCards } from "./cards.js";
import { query, queryAll, restoreFocus, setText } from "./dom.js";
import { formatDuration, formatPace, formatPercent } from "./format.js";
import { announceStatusChanges, offerNotifications } from "./notifications.js";
import { drawProgressBar } from "./progress_bar.js";
import { connectSocket } from "./socket.js";
import { createStore } from "./store.js";

/** The page's name, and how it swaps. */
export const own = { title: document.title, around: (swap) => swap() };

const page = document.documentElement.dataset;
const rev = () => Number(query("[data-rev]")?.dataset.rev ?? -1);
const isList = !!query("[data-list]");
// Bars take turns: no frame is long.
const AT_ONCE = 25;
const due = new Set();

const store = createStore(rev(), isList);
export const cards = createCards(`${query("[data-cards]")?.dataset.cards}`, {
	aroundSwap: (swap) => own.around(swap),
	onScan() {
		window.htmx?.process(document.body);
		store.reconcile(cards.shownCards, rev());
		draw();
	},
	onMissing(id) {
		store.markMissing(id);
		if (!isList) location.reload();
	},
});

const draw = () => {
	const totals = store.sumTotals();
	setText(
		"title",
		totals.count ? `${formatPercent(totals.percent) || "…"} · ${own.title}` : own.title,
	);
	setText("[data-totals]", formatPace(totals));
	for (const time of queryAll("[data-retries-at] time")) {
		const left = (Date.parse(time.dateTime) - Date.now()) / 1000;
		time.textContent = left > 0 ? `in ${formatDuration(Math.max(1, left))}` : "when its turn comes";
	}
	page.tracked = `${store.states.size}`;
	if (!due.size) requestAnimationFrame(drawSome);
	for (const id of store.states.keys()) due.add(id);
};

const drawSome = () => {
	const now = Date.now();
	for (const id of [...due].slice(0, AT_ONCE)) {
		due.delete(id);
		const [card, state] = [cards.shownCards.get(id), store.states.get(id)];
		if (card && state) drawProgressBar(card.element, state, store.stalledSeconds(state, now));
	}
	if (due.size) requestAnimationFrame(drawSome);
};

offerNotifications();
cards.scanPage();
const socket = connectSocket("/ws/progress", "/api/progress", {
	onFrame(frame) {
		const outcome = store.receive(frame, cards.shownCards, Date.now());
		if (outcome.resync) socket.resync();
		if (outcome.refetchList || (outcome.othersChanged && query("[data-others]")))
			cards.requestAll();
		else cards.requestCards(outcome.cardsToFetch);
		draw();
		announceStatusChanges(outcome.statusChanges, cards.shownCards);
		return outcome.isNews;
	},
	onStateChange(name) {
		page.connection = name;
	},
});
setInterval(draw, 1000);

const wake = () => {
	if (document.hidden) return;
	socket.wake();
	cards.requestCards([], 0);
};

for (const event of ["visibilitychange", "online", "pageshow"]) addEventListener(event, wake, true);

addEventListener("htmx:afterSettle", ({ target }) => {
	if (target.id === "dialog") target.showModal();
	if (target.id === "listing") cards.scanPage();
	restoreFocus();
});
addEventListener("htmx:afterRequest", ({ detail }) => {
	page.sent = `${detail.xhr.status}`;
});
addEventListener("acted", ({ target, detail: { ids } }) => {
	target.closest("#many")?.reset();
	query("dialog")?.close();
	ids[0] ? cards.requestCards(ids, 0) : cards.requestAll();
});
