/** Plays frames into the page's store for a test in another language: one JSON line in, one out. */

import { createInterface } from "node:readline";
import { createStore } from "../../../static/js/store.js";

let store = createStore(-1, true);
let shownCards = new Map();

const commands = {
	reset: ({ rev }) => {
		store = createStore(rev, true);
	},
	show: ({ cards, rev }) => {
		shownCards = new Map(Object.entries(cards));
		store.reconcile(shownCards, rev);
	},
	absent: ({ id }) => store.markMissing(id),
	frame: ({ frame, now }) => {
		const { cardsToFetch, refetchList, resync } = store.receive(frame, shownCards, now);
		return { cards: [...cardsToFetch], list: refetchList, resync };
	},
	states: () => Object.fromEntries(store.states),
};

for await (const line of createInterface({ input: process.stdin })) {
	const command = JSON.parse(line);
	process.stdout.write(`${JSON.stringify(commands[command.do](command) ?? null)}\n`);
}
