/** What the page believes: the rules of attempts, ends and gaps. Pure: the clock is passed in. */

const STALLED_AFTER = 20_000;
const ASK_AGAIN_AFTER = 6_000;
const MISSING_KEPT = 500;
const NOTHING = { percent: null, downloaded_bytes: null, total_bytes: null, phase: null };

/** @type {Kind} */
export const hasEnded = (status) => ["complete", "failed", "cancelled"].includes(status ?? "");
/** @type {Kind} */
const isActive = (status) => ["downloading", "processing"].includes(status ?? "downloading");

/** @type {CreateStore} */
export const createStore = (rev, open) => {
	/** @type {Map<string, State>} for what is active or on the page only */
	const states = new Map();
	/** @type {Set<string>} the server answered "not here" */
	const missing = new Set();
	let [epoch, seq] = ["", -1];
	// When a snapshot was asked for that has not come yet.
	let asked = 0;

	/** @type {Take<Snapshot>} */
	const replace = (frame, moment) => {
		const { outcome, shown } = moment;
		const before = new Map(states);
		states.clear();
		outcome.news = frame.epoch !== epoch || frame.seq !== seq;
		outcome.list = frame.rev !== rev;
		({ epoch, seq } = frame);
		asked = 0;
		for (const message of frame.videos) {
			apply({ ...message, type: "progress" }, moment, true);
			const [old, state] = [before.get(message.video_id), states.get(message.video_id)];
			if (old && old.percent === state?.percent && old.downloaded_bytes === state.downloaded_bytes) state.at = old.at;
		}
		for (const [id, { status }] of shown) if (isActive(status) && !states.has(id)) outcome.cards.add(id);
		rev = frame.rev;
	};

	/** @type {Take<Batch>} */
	const follow = (frame, moment) => {
		const { now, outcome, shown } = moment;
		if (!asked && frame.epoch === epoch && frame.from <= seq + 1) {
			if (frame.seq > seq) for (const message of frame.messages) apply(message, moment);
			seq = Math.max(seq, frame.seq);
			return;
		}
		// What is said across a gap is not believed, but worth a look.
		for (const { type, video_id: id } of frame.messages)
			if (type !== "progress" && shown.has(id)) outcome.cards.add(id);
		outcome.resync = !asked || now - asked >= ASK_AGAIN_AFTER;
		if (outcome.resync) asked = now;
	};

	/** @type {Take<Message>} */
	const apply = (message, { shown, now, outcome }, fresh) => {
		const { type, video_id: id, rev: newRev = 0, ...given } = message;
		const card = shown.get(id);
		rev = Math.max(rev, newRev);
		if (missing.has(id) || !(card || open)) return;
		if (type === "changed") return void outcome.cards.add(id);
		const old = states.get(id);
		const known = old ?? (fresh ? undefined : card);
		const attempt = message.attempt ?? known?.attempt ?? card?.attempt ?? 1;
		const later = !known || attempt > known.attempt;
		const isProgress = type === "progress";
		if (known && (attempt < known.attempt || (isProgress && !later && hasEnded(known.status)))) return;
		const status = message.status ?? (later ? null : known.status);
		const was = known?.status ?? card?.status;
		if (was && status && status !== was) outcome.turned.set(id, status);
		// The end of what the page does not show needs no memory: its card says it all.
		if (hasEnded(status) && !card) states.delete(id);
		else {
			// What a message leaves out stays, but for the pace.
			const kept = { ...NOTHING, ...(later ? null : old), speed: null, eta: null };
			states.set(id, { ...kept, ...given, attempt, status, at: now });
		}
		const differs = attempt !== card?.attempt || (status ? status !== card.status : !isActive(card.status));
		if (differs && (!isProgress || !old || later)) outcome.cards.add(id);
	};

	return {
		states,
		receive(frame, shown, now) {
			const outcome = { cards: new Set(), turned: new Map(), list: false, resync: false, news: true };
			const moment = { shown, now, outcome };
			if (frame.type === "snapshot") replace(/** @type {Snapshot} */ (frame), moment);
			else if (frame.type === "batch") follow(/** @type {Batch} */ (frame), moment);
			else apply(/** @type {Message} */ (frame), moment);
			return outcome;
		},
		absent(id) {
			states.delete(id);
			missing.add(id);
			if (missing.size > MISSING_KEPT) missing.clear();
		},
		settle(shown, pageRev) {
			rev = Math.max(rev, pageRev);
			for (const [id, state] of states) {
				const card = shown.get(id);
				const over = card ? hasEnded(card.status) && card.attempt >= state.attempt : hasEnded(state.status);
				if (over) states.delete(id);
			}
		},
		stalled({ status, at }, now) {
			const seconds = Math.floor((now - at) / 1000);
			return (status ?? "downloading") === "downloading" && now - at >= STALLED_AFTER ? seconds : 0;
		},
		totals() {
			const running = [...states.values()].filter(({ status }) => isActive(status));
			const percents = running.flatMap(({ percent }) => percent ?? []);
			const etas = running.flatMap(({ eta }) => eta ?? []);
			return {
				count: running.length,
				percent: percents.length ? percents.reduce((sum, one) => sum + one) / percents.length : null,
				speed: running.reduce((sum, { speed }) => sum + (speed ?? 0), 0),
				eta: etas.length ? Math.max(...etas) : null,
			};
		},
	};
};
