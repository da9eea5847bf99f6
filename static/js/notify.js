/** Tells those who look elsewhere, and want it, what has ended. */

import { find } from "./page.js";

const look = () => {
	document.documentElement.dataset.notify = window.Notification?.permission;
};

/** @type {Notify} */
export const notify = (news) => {
	const ended = news.filter((words) => /: (complete|failed)$/.test(words));
	if (!(document.hidden && ended.length && window.Notification?.permission === "granted")) return;
	const body = ended.join("\n");
	// Several tabs have the same to say: with one tag it is shown once.
	const note = new Notification(ended[1] ? `${ended.length} downloads ended` : "A download ended", { body, tag: body });
	note.onclick = () => {
		focus();
		note.close();
	};
};

addEventListener("click", ({ target }) => {
	if (target === find("[data-notify-me]")) Notification.requestPermission(look);
});
look();
