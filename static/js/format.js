/** Numbers in words, as downloads/templatetags/words.py has them. Pure. */

const UNITS = ["B", "kB", "MB", "GB", "TB"];

/** A number of at most three digits, and its unit. @param {number} count */
function scaled(count) {
	let power = 0;
	for (; power < UNITS.length - 1 && count >= 999.5; power++) count /= 1000;
	return [
		power && count < 9.95 ? (Math.floor(count * 10 + 0.5) / 10).toFixed(1) : Math.floor(count + 0.5),
		UNITS[power],
	];
}

/** @param {number} count */
export const size = (count) => scaled(count).join(" ");

/** @param {number} seconds */
export function span(seconds) {
	const whole = Math.round(seconds);
	if (whole < 60) return `${whole} s`;
	const minutes = Math.round(whole / 60);
	return minutes < 60 ? `${minutes} min` : `${Math.floor(minutes / 60)} h ${minutes % 60} min`;
}

/** @param {State} state */
export function amount({ downloaded_bytes: done, total_bytes: total }) {
	if (done === null) return "";
	if (total === null) return size(done);
	const [number, unit] = scaled(done);
	return unit === scaled(total)[1] ? `${number} of ${size(total)}` : `${size(done)} of ${size(total)}`;
}

/** @param {number | null} percent */
export const percent = (percent) => (percent === null ? "" : `${Math.floor(percent)} %`);

/** @param {number} speed @param {number | null} eta */
export const pace = (speed, eta) =>
	[speed ? `${size(speed)}/s` : "", eta === null ? "" : `${span(eta)} left`].filter(Boolean).join(" · ");

/** @param {State} state */
export const line = (state) => [amount(state), pace(state.speed ?? 0, state.eta)].filter(Boolean).join(" · ");

/** @param {State} state */
export function valuetext(state) {
	const parts = [state.percent === null ? "" : `${Math.floor(state.percent)} percent`, line(state)];
	return parts.filter(Boolean).join(", ") || "not known yet";
}
