/** Messages over the page: each can be dismissed, and is gone when it has faded. */

const { dataset } = document.documentElement;

export const listenToMessages = () => {
	addEventListener("click", ({ target }) => {
		const button = /** @type {Element | null} */ (target)?.closest("[data-dismiss]");
		const message = button?.parentElement;
		// The page has the message of a failed request for good, and its style sheet shows it.
		if (message?.matches(".unsent")) delete dataset.sent;
		else message?.remove();
	});
	addEventListener("animationend", ({ animationName, target }) => {
		if (animationName === "leave") /** @type {Element} */ (target).remove();
	});
};
