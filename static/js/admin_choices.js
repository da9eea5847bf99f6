/** Names in Django's lists to choose from: their icons are spans, which may not have a label (WAI-ARIA 1.2, 5.2.8.6). */

function makeIconsImages() {
	for (const icon of document.querySelectorAll(".selector span[aria-label]")) {
		icon.setAttribute("role", "img");
	}
}

// Django makes the lists at the same event, in a script that comes before this module.
addEventListener("load", makeIconsImages);
