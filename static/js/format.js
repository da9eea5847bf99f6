/** Numbers in words, as words.py has them. Pure. */

const UNITS = ["B", "kB", "MB", "GB", "TB"];

const scaled = (count) => {
	let power = 0;
	for (; power < 4 && count >= 999.5; power++) count /= 1000;
	const tenths = power && count < 9.95;
	return [
		tenths ? (Math.floor(count * 10 + 0.5) / 10).toFixed(1) : `${Math.floor(count + 0.5)}`,
		UNITS[power],
	];
};

export const size = (count) => scaled(count).join(" ");

export const span = (seconds) => {
	const minutes = Math.round(Math.round(seconds) / 60);
	if (seconds < 59.5) return `${Math.round(seconds)} s`;
	return minutes < 60 ? `${minutes} min` : `${Math.floor(minutes / 60)} h ${minutes % 60} min`;
};

export const amount = ({ downloaded_bytes: done, total_bytes: total }) => {
	if (done === null) return "";
	if (total === null) return size(done);
	const [number, unit] = scaled(done);
	return `${unit === scaled(total)[1] ? number : size(done)} of ${size(total)}`;
};

export const percent = (percent) => (percent === null ? "" : `${Math.floor(percent)} %`);

/** @type {Pace} */
export const pace = ({ speed, eta }, ...before) =>
	[...before, speed && `${size(speed)}/s`, eta !== null && `${span(eta)} left`]
		.filter(Boolean)
		.join(" · ");

export const line = (state) => pace(state, amount(state));

export const valuetext = (state) =>
	[percent(state.percent).replace("%", "percent"), line(state)].filter(Boolean).join(", ") ||
	"not known yet";
