/** socket → store → bars and cards */

import { drawBar } from "./bars.js";
import { createCards } from "./cards.js";
import { pace, percent, span } from "./format.js";
import { tell } from "./notify.js";
import { all, find, land, write } from "./page.js";
import { connect } from "./socket.js";
import { createStore } from "./store.js";
import "./keys.js";

const page = document.documentElement.dataset;
const rev = () => Number(find("[data-rev]")?.dataset.rev ?? -1);
const isList = !!find("[data-list]");
let { title } = document;
let frame = 0;

const store = createStore(rev(), isList);
const cards = createCards(`${find("[data-cards]")?.dataset.cards}`, {
	swapped() {
		window.htmx?.process(document.body);
		const name = find("h1[data-part]");
		if (name) title = `${name.textContent} · ytarchive`;
		store.settle(cards.shown, rev());
		draw();
	},
	absent(id) {
		store.absent(id);
		if (!isList) location.reload();
	},
});

const draw = () => {
	const totals = store.totals();
	write("title", totals.count ? `${percent(totals.percent) || "…"} · ${title}` : title);
	write("[data-totals]", pace(totals));
	page.tracked = `${store.states.size}`;
	if (!frame) frame = requestAnimationFrame(drawAll);
};

const drawAll = () => {
	frame = 0;
	const now = Date.now();
	for (const [id, state] of store.states) {
		const card = cards.shown.get(id);
		if (card) drawBar(card.element, state, store.stalled(state, now));
	}
	for (const note of all("[data-retries-at]")) {
		const left = (Date.parse(`${note.dataset.retriesAt}`) - now) / 1000;
		note.textContent = `${note.textContent}`.replace(/in .* \(/, `in ${span(Math.max(1, left))} (`);
	}
};

cards.scan();
const socket = connect("/ws/progress", "/api/progress", {
	frame(frame) {
		const { cards: changed, turned, list, resync, news } = store.receive(frame, cards.shown, Date.now());
		if (resync) socket.resync();
		if (list) cards.wantAll();
		else cards.want(changed);
		draw();
		tell(turned, cards.shown);
		return news;
	},
	state(name) {
		page.connection = name;
	},
});
setInterval(draw, 1000);

const wake = () => {
	if (document.hidden) return;
	socket.wake();
	cards.want([], 0);
};

for (const event of ["visibilitychange", "online", "pageshow"]) addEventListener(event, wake, true);

addEventListener("htmx:afterSettle", ({ target }) => {
	if (target.id === "dialog") target.showModal();
	if (target.id === "listing") cards.scan();
	land();
});
addEventListener("pause", cards.wantAll, true);
addEventListener("acted", ({ target, detail: { ids } }) => {
	if (target.id === "many") target.reset();
	find("dialog")?.close();
	if (ids[0]) cards.want(ids, 0);
	else cards.wantAll();
});
