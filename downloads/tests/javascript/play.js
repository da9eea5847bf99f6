/** Plays frames into the page's store for a test in another language: one JSON line in, one out. */

import { createInterface } from "node:readline";
import { createStore } from "../../../static/js/store.js";

let store = createStore(-1, true);
let shown = new Map();

const play = {
	reset: ({ rev }) => {
		store = createStore(rev, true);
	},
	show: ({ cards, rev }) => {
		shown = new Map(Object.entries(cards));
		store.settle(shown, rev);
	},
	absent: ({ id }) => store.absent(id),
	frame: ({ frame, now }) => {
		const { cards, list, resync } = store.receive(frame, shown, now);
		return { cards: [...cards], list, resync };
	},
	states: () => Object.fromEntries(store.states),
};

for await (const line of createInterface({ input: process.stdin })) {
	const command = JSON.parse(line);
	process.stdout.write(`${JSON.stringify(play[command.do](command) ?? null)}\n`);
}
