/** Copying of text. Loaded when it is used. */

/**
 * Copy by a selection of the page: the clipboard's own interface is only there over https.
 *
 * @param {string} text
 */
const copyBySelection = (text) => {
	const field = document.createElement("textarea");
	field.value = text;
	field.className = "visually-hidden";
	const { activeElement } = document;
	// Within a dialog, since what is outside of it cannot have the focus.
	(document.querySelector("dialog:modal") ?? document.body).append(field);
	field.select();
	const isCopied = document.execCommand("copy");
	field.remove();
	/** @type {HTMLElement | null} */ (activeElement)?.focus({ preventScroll: true });
	return isCopied;
};

/**
 * @param {string} text
 * @returns {Promise<boolean>} whether it was copied
 */
export const copyText = async (text) => {
	try {
		await navigator.clipboard.writeText(text);
		return true;
	} catch {
		return copyBySelection(text);
	}
};
