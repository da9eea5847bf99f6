/** socket → store → bars and cards */

import { drawBar } from "./bars.js";
import { createCards } from "./cards.js";
import { pace, percent, wait } from "./format.js";
import { notify } from "./notify.js";
import { all, find, write } from "./page.js";
import { connect } from "./socket.js";
import { createStore } from "./store.js";
import "./keys.js";
import "./select.js";

const page = document.documentElement.dataset;
const { title } = document;
const rev = () => Number(find("[data-rev]")?.dataset.rev ?? -1);
const isList = Boolean(find("[data-list]"));
let frame = 0;

const store = createStore(rev(), isList);
const cards = createCards(find("[data-cards]")?.dataset.cards ?? "", {
	swapped() {
		window.htmx?.process(document.body);
		store.settle(cards.shown, rev());
		draw();
	},
	absent(id) {
		store.absent(id);
		// The one video of this page is gone: its address has something to say about that.
		if (!isList && cards.shown.has(id)) location.reload();
	},
});
cards.scan();

/** The title at once, for those who look elsewhere; the page with the next frame, never while hidden. */
function draw() {
	const totals = store.totals();
	write("title", totals.count ? `${percent(totals.percent) || "…"} · ${title}` : title);
	write("[data-totals]", pace(totals));
	page.tracked = `${store.states.size}`;
	if (!frame) frame = requestAnimationFrame(drawAll);
}

function drawAll() {
	frame = 0;
	const now = Date.now();
	for (const [id, state] of store.states) {
		const card = cards.shown.get(id);
		if (card) drawBar(card.element, state, store.stalled(state, now));
	}
	for (const note of all("[data-retries-at]")) {
		const left = (Date.parse(note.dataset.retriesAt ?? "") - now) / 1000;
		note.textContent = `${note.textContent}`.replace(/in .* \(/, `in ${wait(left)} (`);
	}
}

/** @param {string} id */
function name(id) {
	const card = cards.shown.get(id);
	return (card && find("[data-title]", card.element)?.textContent) ?? "A video";
}

const socket = connect("/ws/progress", "/api/progress", {
	frame(frame) {
		const { cards: changed, turned, list, resync, news } = store.receive(frame, cards.shown, Date.now());
		if (resync) socket.resync();
		if (list) cards.wantAll();
		else cards.want(changed);
		draw();
		const words = [...turned].map(([id, status]) => `${name(id)}: ${status}`);
		if (words.length) write("[data-announce]", words.slice(0, 3).join(". "));
		notify(words);
		return news;
	},
	state(name) {
		if (page.connection !== name) page.connection = name;
	},
	missed: cards.wantAll,
	hidden: () => document.hidden,
});
setInterval(draw, 1000);

function wake() {
	if (document.hidden) return;
	socket.wake();
	cards.want([], 0);
}

for (const event of ["visibilitychange", "online", "pageshow"]) addEventListener(event, wake, true);

addEventListener("htmx:afterSwap", ({ target }) => {
	if (target.id === "dialog") /** @type {HTMLDialogElement} */ (target).showModal();
	if (target.id !== "listing") return;
	cards.scan();
	if (document.activeElement === document.body) find("#library")?.focus({ preventScroll: true });
});
addEventListener("acted", ({ target, detail }) => {
	if (target instanceof HTMLFormElement) target.reset();
	/** @type {HTMLDialogElement | null} */
	const dialog = find("#dialog");
	dialog?.close();
	if (detail.ids.length) cards.want(detail.ids, 0);
	else cards.wantAll();
});
