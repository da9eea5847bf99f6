/** socket → store → bars and cards */

import { createBars, drawStalled } from "./bars.js";
import { createCards } from "./cards.js";
import { pace, percent } from "./format.js";
import { find, write } from "./page.js";
import { connect } from "./socket.js";
import { createStore } from "./store.js";

/** @type {Record<Connection, [string, string]>} */
const WORDS = {
	live: ["Live", ""],
	reconnecting: ["Reconnecting…", "The server cannot be reached; downloads go on"],
	paused: ["Live updates paused", "The server sends no news; downloads go on"],
	polling: ["Checking every 3 s", "No WebSocket gets through, perhaps because of a proxy"],
};

const page = document.documentElement.dataset;
const title = document.title;
const rev = () => Number(find("[data-rev]")?.dataset.rev ?? -1);
const isList = Boolean(find("[data-list]"));

const store = createStore(rev(), isList);
const cards = createCards(find("[data-cards]")?.dataset.cards ?? "", {
	swapped() {
		store.settle(cards.shown, rev());
		draw(store.states.keys());
		drawTotals();
	},
	absent(id) {
		store.absent(id);
		// The one video of this page is gone: its address has something to say about that.
		if (!isList && cards.elements.has(id)) location.reload();
	},
	announce: (words) => write("[data-announce]", words),
});
const show = createBars((id) => cards.elements.get(id), drawTotals);

/** @param {Iterable<string>} ids */
function draw(ids) {
	for (const id of ids) {
		const state = store.states.get(id);
		if (state) show(id, state);
	}
	page.tracked = `${store.states.size}`;
}

function drawTotals() {
	const { count, percent: done, speed, eta } = store.totals();
	document.title = count ? `${percent(done) || "…"} · ${title}` : title;
	write("[data-totals]", pace(speed, eta));
}

function drawAllStalled() {
	if (document.hidden) return;
	for (const [id, state] of store.states) drawStalled(cards.elements.get(id), store.stalled(state, Date.now()));
}

write("[data-connection-words]", "Connecting…");
const socket = connect(`${location.origin.replace("http", "ws")}/ws/progress`, "/api/progress", {
	frame(frame) {
		const { moved, cards: changed, list, resync, news } = store.receive(frame, cards.shown, Date.now());
		if (resync) socket.resync();
		draw(moved);
		if (list) cards.wantAll();
		else cards.want(changed);
		return news;
	},
	state(name) {
		if (page.connection === name) return;
		page.connection = name;
		const [words, reason] = WORDS[name];
		write("[data-connection-words]", words);
		find("[data-connection-words]")?.setAttribute("title", reason);
	},
	missed: cards.wantAll,
	hidden: () => document.hidden,
});
setInterval(drawAllStalled, 1000);

function wake() {
	if (document.hidden) return;
	socket.wake();
	cards.want([], 0);
	drawAllStalled();
}

document.addEventListener("visibilitychange", wake);
addEventListener("online", wake);
addEventListener("pageshow", wake);
find("[data-once]")?.addEventListener("submit", () => {
	// After the submission has begun: a disabled button would not be a part of it.
	setTimeout(() => find("[data-once] button")?.setAttribute("disabled", ""));
});
