/** Wires the page: socket → store → bars and cards. */

import { Bars, drawStalled } from "./bars.js";
import { Cards } from "./cards.js";
import { pace, percent } from "./format.js";
import { find, write } from "./page.js";
import { Socket } from "./socket.js";
import { Store } from "./store.js";

/** @type {Record<Connection, [string, string]>} */
const WORDS = {
  live: ["Live", "Changes appear as they happen"],
  reconnecting: ["Reconnecting…", "The server cannot be reached; downloads go on meanwhile"],
  paused: ["Live updates paused", "The server sends no news; downloads go on meanwhile"],
  polling: ["Checking every 3 s", "No WebSocket gets through to the server, perhaps because of a proxy in between"],
};

const root = document.documentElement;
const title = document.title;
const rev = () => Number(find("[data-rev]")?.dataset.rev ?? -1);
const url = new URL("/ws/progress", location.href.replace(/^http/, "ws"));

const store = new Store(rev(), Boolean(find("[data-list]")));
const cards = new Cards(find("[data-cards]")?.dataset.cards ?? "", { swapped, absent, announce });
const bars = new Bars((id) => cards.elements.get(id), drawTotals);
const page = { frame, state, missed: () => cards.wantAll(), hidden: () => document.hidden };
const socket = new Socket(url.href, "/api/progress", page);

/** @param {Frame} frame */
function frame(frame) {
  const { moved, cards: changed, list, resync, news } = store.receive(frame, cards.shown, Date.now());
  if (resync) socket.resync();
  draw(moved);
  if (list) cards.wantAll();
  else cards.want(changed);
  return news;
}

/** @param {Iterable<string>} ids */
function draw(ids) {
  for (const id of ids) {
    const state = store.states.get(id);
    if (state) bars.show(id, state);
  }
  root.dataset.tracked = `${store.states.size}`;
}

/** The server's partials are in: the bars go on from what is known. */
function swapped() {
  store.rev = Math.max(store.rev, rev());
  store.settle(cards.shown);
  draw(store.states.keys());
  drawTotals();
}

/** @param {string} id */
function absent(id) {
  store.absent(id);
  // The one video of this page is gone: its address has something to say about that.
  if (!store.open && cards.elements.has(id)) location.reload();
}

/** @param {string} words */
function announce(words) {
  write("[data-announce]", words);
}

function drawTotals() {
  const { count, percent: done, speed, eta } = store.totals();
  document.title = count ? `${percent(done) || "…"} · ${title}` : title;
  write("[data-totals]", pace(speed, eta));
}

function drawAllStalled() {
  if (document.hidden) return;
  for (const [id, state] of store.states) {
    const element = cards.elements.get(id);
    if (element) drawStalled(element, store.stalled(state, Date.now()));
  }
}

/** @param {Connection} name */
function state(name) {
  if (root.dataset.connection === name) return;
  root.dataset.connection = name;
  const [words, reason] = WORDS[name];
  write("[data-connection-words]", words);
  find("[data-connection-words]")?.setAttribute("title", reason);
}

function wake() {
  if (document.hidden) return;
  socket.wake();
  cards.want([]);
  drawAllStalled();
}

document.addEventListener("visibilitychange", wake);
addEventListener("online", wake);
addEventListener("pageshow", wake);
find("[data-once]")?.addEventListener("submit", ({ currentTarget: form }) => {
  // After the submission has begun: a disabled button would not be a part of it.
  setTimeout(() => find("button", /** @type {HTMLFormElement} */ (form))?.setAttribute("disabled", ""));
});
setInterval(drawAllStalled, 1000);
write("[data-connection-words]", "Connecting…");
socket.start();
