/** Tells what has another status, and those who look elsewhere what has ended. */

import { find, write } from "./page.js";

const { Notification: Note } = window;
const { dataset } = document.documentElement;

const look = () => {
	dataset.notify = Note?.permission;
};

/** @type {Tell} */
export const tell = (turned, shown) => {
	const name = (id) => find("[data-title]", shown.get(id)?.element)?.textContent;
	const news = [...turned].map(([id, status]) => `${name(id)}: ${status}`);
	if (news[0]) write("[data-announce]", news.slice(0, 3).join(". "));
	const ended = news.filter((words) => /: (complete|failed)$/.test(words));
	if (!document.hidden || !ended[0] || dataset.notify !== "granted") return;
	const body = ended.join("\n");
	// With one tag, several tabs show it once.
	new Note(`Downloads ended: ${ended.length}`, { body, tag: body });
};

addEventListener("click", ({ target }) => {
	if (target?.closest("[data-notify-me]")) Note.requestPermission(look);
});
look();
