/** What the page believes. Pure. */

const STALLED_AFTER = 20;
const ASK_AGAIN_AFTER = 6_000;
const NOTHING = { percent: null, downloaded_bytes: null, total_bytes: null, phase: null };

export const hasEnded = (status) => ["complete", "failed", "cancelled"].includes(status);
const isActive = (status) => ["downloading", "processing"].includes(status ?? "downloading");

/** @type {CreateStore} */
export const createStore = (rev, open) => {
	const states = new Map();
	const missing = new Set();
	let [epoch, seq] = ["", -1];
	let asked = 0;

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
			if (old && old.percent === state?.percent && old.downloaded_bytes === state.downloaded_bytes)
				state.at = old.at;
		}
		for (const [id, { status }] of shown)
			if (isActive(status) && !states.has(id)) outcome.cards.add(id);
		rev = frame.rev;
	};

	const follow = (frame, moment) => {
		const { now, outcome, shown } = moment;
		if (!asked && frame.epoch === epoch && frame.from <= seq + 1) {
			if (frame.seq > seq) for (const message of frame.messages) apply(message, moment);
			seq = Math.max(seq, frame.seq);
			return;
		}
		for (const { type, video_id: id } of frame.messages)
			if (type !== "progress" && shown.has(id)) outcome.cards.add(id);
		if (asked && now - asked < ASK_AGAIN_AFTER) return;
		asked = now;
		outcome.resync = true;
	};

	const apply = (message, { shown, now, outcome }, fresh) => {
		const { type, video_id: id, rev: newRev = 0, ...given } = message;
		const card = shown.get(id);
		const isProgress = type === "progress";
		rev = Math.max(rev, newRev);
		if (missing.has(id)) return;
		if (!card && !open) {
			outcome.others ||= !isProgress;
			return;
		}
		if (type === "changed") return void outcome.cards.add(id);
		const old = states.get(id);
		const known = old ?? (fresh ? undefined : card);
		const attempt = message.attempt ?? known?.attempt ?? card?.attempt ?? 1;
		const later = !known || attempt > known.attempt;
		if (known && (attempt < known.attempt || (isProgress && !later && hasEnded(known.status))))
			return;
		const status = message.status ?? (later ? null : known.status);
		const { status: was = status } = known ?? card ?? {};
		if (status && status !== was && (card || hasEnded(status))) outcome.turned.set(id, status);
		if (hasEnded(status) && !card) states.delete(id);
		else {
			states.set(id, {
				...NOTHING,
				...(!later && old),
				speed: null,
				eta: null,
				...given,
				attempt,
				status,
				at: now,
			});
		}
		const differs =
			attempt !== card?.attempt || (status ? status !== card.status : !isActive(card.status));
		if (differs && (!isProgress || !old || later)) outcome.cards.add(id);
	};

	return {
		states,
		receive(frame, shown, now) {
			const outcome = {
				cards: new Set(),
				turned: new Map(),
				list: false,
				others: false,
				resync: false,
				news: true,
			};
			const moment = { shown, now, outcome };
			if (frame.type === "snapshot") replace(frame, moment);
			else if (frame.type === "batch") follow(frame, moment);
			else apply(frame, moment);
			return outcome;
		},
		absent(id) {
			states.delete(id);
			missing.add(id);
			if (missing.size > 500) missing.clear();
		},
		settle(shown, pageRev) {
			rev = Math.max(rev, pageRev);
			for (const [id, state] of states) {
				const { status, attempt } = shown.get(id) ?? state;
				if (hasEnded(status) && attempt >= state.attempt) states.delete(id);
			}
		},
		stalled({ status, at }, now) {
			const seconds = Math.floor((now - at) / 1000);
			return status !== "processing" && isActive(status) && seconds >= STALLED_AFTER ? seconds : 0;
		},
		totals() {
			const running = [...states.values()].filter(({ status }) => isActive(status));
			const percents = running.flatMap(({ percent }) => percent ?? []);
			const etas = running.flatMap(({ eta }) => eta ?? []);
			return {
				count: running.length,
				percent: percents.length
					? percents.reduce((sum, one) => sum + one) / percents.length
					: null,
				speed: running.reduce((sum, { speed }) => sum + (speed ?? 0), 0),
				eta: etas.length ? Math.max(...etas) : null,
			};
		},
	};
};
