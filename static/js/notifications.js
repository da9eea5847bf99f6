/** Tells what turned, or ended. */

import { query, setText } from "./dom.js";

const { Notification: Note } = window;
const { dataset } = document.documentElement;

const look = () => {
	dataset.notify = Note?.permission;
};

export const tell = (turned, shown) => {
	const news = [...turned].map(([id, status]) => {
		const card = shown.get(id)?.element;
		return `${card ? query("[data-title]", card)?.textContent : "Another video"}: ${status}`;
	});
	if (news[0]) setText("[data-announce]", news.slice(0, 3).join(". "));
	const ended = news.filter((words) => /: (complete|failed)$/.test(words));
	if (!document.hidden || !ended[0] || dataset.notify !== "granted") return;
	const body = ended.join("\n");
	// Several tabs show one tag once.
	new Note(`Downloads ended: ${ended.length}`, { body, tag: body });
};

addEventListener("click", ({ target }) => {
	if (target?.closest("[data-notify-me]")) Note.requestPermission(look);
});
look();
