/**
 * Gives the icons of Django's lists to choose from the role of images. They are spans with a label, which a span without
 * a role may not have (WAI-ARIA 1.2, 5.2.8.6).
 */

function makeIconsImages() {
	for (const icon of document.querySelectorAll(".selector span[aria-label]")) {
		icon.setAttribute("role", "img");
	}
}

// Django makes the lists at the same event, in a script that comes before this module.
addEventListener("load", makeIconsImages);
