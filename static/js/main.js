/** Wires the page: socket → store → bars and cards. */

/** @import { Connection, Frame } from "./types.js" */

import { Bars, showStalled, text } from "./bars.js";
import { Cards } from "./cards.js";
import { pace, percent } from "./format.js";
import { Socket } from "./socket.js";
import { Store } from "./store.js";

/** @type {Record<Connection, [string, string]>} */
const WORDS = {
  live: ["Live", "Changes appear as they happen."],
  reconnecting: ["Reconnecting…", "The connection to the server is lost; downloads go on meanwhile."],
  paused: ["Live updates paused", "The server is reached, but sends no news; downloads go on meanwhile."],
  polling: [
    "Checking every 3 s",
    "No WebSocket gets through to the server, perhaps because of a proxy in between.",
  ],
};

const root = document.documentElement;
const host = /** @type {HTMLElement | null} */ (document.querySelector("[data-cards]"));
const title = document.title;
const rev = () =>
  Number(/** @type {HTMLElement | null} */ (document.querySelector("[data-rev]"))?.dataset.rev ?? -1);

const store = new Store(rev(), Boolean(document.querySelector("[data-list]")));
const cards = new Cards(host?.dataset.cards ?? "", { swapped, absent, announce });
const bars = new Bars((id) => cards.elements.get(id), overall);
const address = new URL("/ws/progress", location.href);
address.protocol = address.protocol.replace("http", "ws");
const socket = new Socket(address.href, "/api/progress", { frame, state, hidden: () => document.hidden });

/** @param {Frame} frame */
function frame(frame) {
  const outcome = store.receive(frame, cards.shown, Date.now());
  if (outcome.resync) socket.resync();
  for (const id of outcome.moved) draw(id);
  if (outcome.list) cards.wantList();
  else if (outcome.cards.size) cards.want(outcome.cards);
  root.dataset.tracked = `${store.states.size}`;
}

/** @param {string} id */
function draw(id) {
  const state = store.states.get(id);
  if (state) bars.show(id, state);
}

/** The server's partials are in: bars go on from what is known. */
function swapped() {
  store.rev = Math.max(store.rev, rev());
  store.settle(cards.shown);
  for (const id of store.states.keys()) draw(id);
  root.dataset.tracked = `${store.states.size}`;
  overall();
}

/** @param {string} id */
function absent(id) {
  store.absent(id);
  if (!store.open && cards.elements.has(id)) location.reload();
}

/** @param {string} words */
function announce(words) {
  text(document.body, "[data-announce]", words);
}

/** Say in the title and above the rows how far everything is. */
function overall() {
  const { count, percent: done, speed, eta } = store.totals();
  const wanted = count ? `${percent(done) || "…"} · ${title}` : title;
  if (document.title !== wanted) document.title = wanted;
  text(document.body, "[data-totals]", count ? pace(speed, eta) : "");
}

/** @param {Connection} name */
function state(name) {
  if (root.dataset.connection === name) return;
  root.dataset.connection = name;
  const [words, reason] = WORDS[name];
  text(document.body, "[data-connection-words]", words);
  document.querySelector("[data-connection-words]")?.setAttribute("title", reason);
}

function watchStalled() {
  if (document.hidden) return;
  const stalled = store.stalled(Date.now());
  for (const id of store.states.keys()) {
    const element = cards.elements.get(id);
    if (element) showStalled(element, stalled.get(id));
  }
}

function wake() {
  if (document.hidden) return;
  socket.wake();
  cards.want([]);
  watchStalled();
}

document.addEventListener("visibilitychange", wake);
addEventListener("online", wake);
addEventListener("pageshow", wake);
document.querySelector("[data-once]")?.addEventListener("submit", (event) => {
  const button = /** @type {HTMLFormElement} */ (event.target).querySelector("button");
  // After the submission has begun: a disabled button would not be a part of it.
  setTimeout(() => button?.setAttribute("disabled", ""));
});
setInterval(watchStalled, 1000);
socket.start();
