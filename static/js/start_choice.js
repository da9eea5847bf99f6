/** Choice of what to fetch: the number or date that somebody sets chooses the option that it belongs to. */

/** @param {Event} event */
const chooseOption = ({ target }) => {
	const field = /** @type {Element | null} */ (target);
	if (!field?.matches("[type=number], [type=date]")) return;
	const option = field.closest("[data-start-choice]")?.querySelector("[type=radio]");
	if (option) /** @type {HTMLInputElement} */ (option).checked = true;
};

// Not on focus: the Tab key passes the field, and must not change the choice.
addEventListener("click", chooseOption);
addEventListener("input", chooseOption);
