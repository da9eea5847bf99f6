/**
 * Progress store: the state of each download, and what the page must do about each frame.
 *
 * Holds a state only for what is active or on the page, and follows the client rules of the
 * protocol `ytarchive.progress.v2`. Pure: no DOM, no timers, and the clock is an argument, so that
 * tests can play random histories through it.
 */

/**
 * The newest known state of one download.
 *
 * @typedef {object} VideoState
 * @property {number} attempt which run of the download this is, from 1
 * @property {string | null} status null: in progress, and no message has named the status yet
 * @property {number | null} percent of the whole download; null: unknown, as are the other nulls
 * @property {number | null} downloaded_bytes
 * @property {number | null} total_bytes
 * @property {number | null} speed bytes per second
 * @property {number | null} eta seconds
 * @property {string | null} phase "video", "audio", "merging", …
 * @property {number} updatedAt when a message last told something new of it, in milliseconds
 */

/**
 * The state of one download as the page's markup shows it.
 *
 * @typedef {object} CardState
 * @property {string} status
 * @property {number} attempt
 */

/**
 * By video id, what the page shows.
 *
 * @typedef {ReadonlyMap<string, CardState>} ShownCards
 */

/**
 * What the page must do after a frame.
 *
 * @typedef {object} Outcome
 * @property {Set<string>} cardsToFetch ids whose card must be fetched
 * @property {Map<string, string>} statusChanges the new status of each id to announce
 * @property {boolean} refetchList the whole list must be fetched
 * @property {boolean} othersChanged something changed that this page does not show
 * @property {boolean} resync a snapshot must be requested
 * @property {boolean} isNews false: a snapshot that repeats the last frame, so the bridge may be down
 */

/**
 * One call of `receive`: what the page shows, the time, and the outcome to fill in.
 *
 * @typedef {object} Context
 * @property {ShownCards} shownCards
 * @property {number} now
 * @property {Outcome} outcome
 */

/**
 * All active downloads, added up.
 *
 * @typedef {object} Totals
 * @property {number} count
 * @property {number | null} percent the mean
 * @property {number} speed the sum
 * @property {number | null} eta the longest
 */

const STALLED_AFTER_SECONDS = 20;
const RESYNC_RETRY_MS = 6_000;
const MAX_MISSING_IDS = 500;

const TERMINAL_STATUSES = ["complete", "failed", "cancelled"];
const ACTIVE_STATUSES = ["downloading", "processing"];
const UNKNOWN_PROGRESS = { percent: null, downloaded_bytes: null, total_bytes: null, phase: null };
// Speed and ETA are those of one moment: unlike the rest, they are not carried forward.
const UNKNOWN_PACE = { speed: null, eta: null };

/**
 * Tell whether a status is final for its attempt.
 *
 * @param {string | null} status
 * @returns {boolean}
 */
export const hasEnded = (status) => status !== null && TERMINAL_STATUSES.includes(status);

/**
 * Tell whether a download runs. A progress message may name no status: then it does.
 *
 * @param {string | null} status
 * @returns {boolean}
 */
const isActive = (status) => status === null || ACTIVE_STATUSES.includes(status);

/**
 * Tell whether a message comes too late to count.
 *
 * Networks and queues reorder: a message of an earlier attempt, or progress after the end of the same
 * attempt, would bring a finished bar back.
 *
 * @param {boolean} isProgress
 * @param {number} attempt the message's
 * @param {{ attempt: number, status: string | null }} known
 * @returns {boolean}
 */
const isOutdated = (isProgress, attempt, known) =>
	attempt < known.attempt || (attempt === known.attempt && isProgress && hasEnded(known.status));

/**
 * Tell whether the page's markup shows another attempt or status than a state has.
 *
 * @param {CardState | undefined} card
 * @param {number} attempt
 * @param {string | null} status
 * @returns {boolean}
 */
const differsFromCard = (card, attempt, status) => {
	if (!card || card.attempt !== attempt) return true;
	return status === null ? !isActive(card.status) : card.status !== status;
};

/**
 * Create a store.
 *
 * @param {number} pageRev the `rev` (id of the newest event) at which the server rendered the page
 * @param {boolean} acceptsNewVideos true for a list, which takes in videos that it does not show yet
 */
export const createStore = (pageRev, acceptsNewVideos) => {
	/** @type {Map<string, VideoState>} */
	const states = new Map();
	/** @type {Set<string>} ids that the server answered it does not have; never requested again */
	const missingIds = new Set();
	let knownRev = pageRev;
	let epoch = "";
	let seq = -1;
	/** When a snapshot was requested that has not come yet; 0: none is awaited. */
	let resyncRequestedAt = 0;

	// Frames ------------------------------------------------------------------------------------

	/**
	 * Apply a snapshot. It replaces everything believed so far, ended attempts included.
	 *
	 * @param {SnapshotFrame} frame
	 * @param {Context} context
	 */
	const applySnapshot = (frame, context) => {
		const { outcome, shownCards } = context;
		const previousStates = new Map(states);
		outcome.isNews = frame.epoch !== epoch || frame.seq !== seq;
		// Rows have changed since the page was rendered, and the messages about them are missed.
		outcome.refetchList = frame.rev !== knownRev;
		({ epoch, seq } = frame);
		resyncRequestedAt = 0;
		states.clear();
		for (const message of frame.videos) {
			applyMessage({ ...message, type: "progress" }, context, true);
			keepUpdateTime(message.video_id, previousStates);
		}
		// The page shows as active what the server no longer counts as such.
		for (const [videoId, card] of shownCards)
			if (isActive(card.status) && !states.has(videoId)) outcome.cardsToFetch.add(videoId);
		knownRev = frame.rev;
	};

	/**
	 * Keep the update time of a state that a snapshot only repeats, so that a stall stays visible.
	 *
	 * @param {string} videoId
	 * @param {ReadonlyMap<string, VideoState>} previousStates
	 */
	const keepUpdateTime = (videoId, previousStates) => {
		const previous = previousStates.get(videoId);
		const state = states.get(videoId);
		if (!previous || !state) return;
		const isRepeated =
			previous.percent === state.percent && previous.downloaded_bytes === state.downloaded_bytes;
		if (isRepeated) state.updatedAt = previous.updatedAt;
	};

	/**
	 * Apply a batch that continues what is known, or request a snapshot.
	 *
	 * `from` and `seq` are the first and the last tick that the batch covers. One that overlaps what
	 * is known is applied whole, since messages are idempotent; one that ends before it is a repeat.
	 * A hole between the two, or another epoch, is a gap: messages may be lost.
	 *
	 * @param {BatchFrame} frame
	 * @param {Context} context
	 */
	const applyBatch = (frame, context) => {
		const isContinuous = frame.epoch === epoch && frame.from <= seq + 1;
		if (resyncRequestedAt || !isContinuous) {
			requestSnapshot(frame, context);
			return;
		}
		if (frame.seq <= seq) return;
		for (const message of frame.messages) applyMessage(message, context);
		seq = frame.seq;
	};

	/**
	 * Request a snapshot after a gap; again only if the one requested has not come in time.
	 *
	 * Until it comes no message is applied; a card may be fetched, since it shows its row as it is now.
	 *
	 * @param {BatchFrame} frame
	 * @param {Context} context
	 */
	const requestSnapshot = (frame, { now, outcome, shownCards }) => {
		for (const { type, video_id: videoId } of frame.messages)
			if (type !== "progress" && shownCards.has(videoId)) outcome.cardsToFetch.add(videoId);
		if (resyncRequestedAt && now - resyncRequestedAt < RESYNC_RETRY_MS) return;
		resyncRequestedAt = now;
		outcome.resync = true;
	};

	// Messages ----------------------------------------------------------------------------------

	/**
	 * Apply one progress, status or changed message.
	 *
	 * @param {VideoMessage} message
	 * @param {Context} context
	 * @param {boolean} [fromSnapshot] believed against what the page's markup shows
	 */
	const applyMessage = (message, { shownCards, now, outcome }, fromSnapshot = false) => {
		const { type, video_id: videoId, rev = 0, ...fields } = message;
		const isProgress = type === "progress";
		const card = shownCards.get(videoId);
		knownRev = Math.max(knownRev, rev);
		if (missingIds.has(videoId)) return;
		if (!card && !acceptsNewVideos) {
			outcome.othersChanged ||= !isProgress;
			return;
		}
		if (type === "changed") {
			outcome.cardsToFetch.add(videoId);
			return;
		}

		const previous = states.get(videoId);
		const known = previous ?? (fromSnapshot ? undefined : card);
		// v1 messages name no attempt: they are about the one that is known.
		const attempt = fields.attempt ?? known?.attempt ?? card?.attempt ?? 1;
		if (known && isOutdated(isProgress, attempt, known)) return;

		const isNewAttempt = !known || attempt > known.attempt;
		const status = fields.status ?? (isNewAttempt ? null : known.status);
		const before = known ?? card;
		const isChange = before !== undefined && status !== before.status;
		// Videos that the page does not show are announced only when they end.
		if (status && isChange && (card || hasEnded(status)))
			outcome.statusChanges.set(videoId, status);

		if (hasEnded(status) && !card) states.delete(videoId);
		else {
			// Within an attempt, what a message leaves out stays as it was.
			const carried = isNewAttempt ? undefined : previous;
			const base = { ...UNKNOWN_PROGRESS, ...carried, ...UNKNOWN_PACE };
			states.set(videoId, { ...base, ...fields, attempt, status, updatedAt: now });
		}
		// Further progress of an attempt does not request its card: the first message of it did.
		const isFurtherProgress = isProgress && previous && !isNewAttempt;
		if (!isFurtherProgress && differsFromCard(card, attempt, status))
			outcome.cardsToFetch.add(videoId);
	};

	return {
		/** @type {ReadonlyMap<string, Readonly<VideoState>>} */
		states,

		/**
		 * Apply a frame and return what the page must do about it.
		 *
		 * @param {Frame} frame
		 * @param {ShownCards} shownCards
		 * @param {number} now in milliseconds
		 * @returns {Outcome}
		 */
		receive(frame, shownCards, now) {
			/** @type {Outcome} */
			const outcome = {
				cardsToFetch: new Set(),
				statusChanges: new Map(),
				refetchList: false,
				othersChanged: false,
				resync: false,
				isNews: true,
			};
			const context = { shownCards, now, outcome };
			if (frame.type === "snapshot") applySnapshot(frame, context);
			else if (frame.type === "batch") applyBatch(frame, context);
			else applyMessage(frame, context);
			return outcome;
		},

		/**
		 * Forget a video that the server does not have, and ignore messages about it from now on.
		 *
		 * @param {string} videoId
		 */
		markMissing(videoId) {
			states.delete(videoId);
			missingIds.add(videoId);
			// Bounded; one that is forgotten costs one request.
			if (missingIds.size > MAX_MISSING_IDS) missingIds.clear();
		},

		/**
		 * Forget the states of downloads that have ended, now that the page shows them so.
		 *
		 * @param {ShownCards} shownCards
		 * @param {number} renderedRev the `rev` at which the server rendered what the page shows
		 */
		reconcile(shownCards, renderedRev) {
			knownRev = Math.max(knownRev, renderedRev);
			for (const [videoId, state] of states) {
				const { status, attempt } = shownCards.get(videoId) ?? state;
				if (hasEnded(status) && attempt >= state.attempt) states.delete(videoId);
			}
		},

		/**
		 * Return for how many seconds a download has stood still; 0: it has not, or not for long.
		 *
		 * @param {Pick<VideoState, "status" | "updatedAt">} state
		 * @param {number} now in milliseconds
		 * @returns {number}
		 */
		stalledSeconds({ status, updatedAt }, now) {
			const seconds = Math.floor((now - updatedAt) / 1000);
			// Merging and converting report no progress, so their silence means nothing.
			const canStall = isActive(status) && status !== "processing";
			return canStall && seconds >= STALLED_AFTER_SECONDS ? seconds : 0;
		},

		/**
		 * Add up all active downloads; what is unknown of one is left out.
		 *
		 * @returns {Totals}
		 */
		sumTotals() {
			const active = [...states.values()].filter(({ status }) => isActive(status));
			const percents = active.flatMap(({ percent }) => percent ?? []);
			const etas = active.flatMap(({ eta }) => eta ?? []);
			const percentSum = percents.reduce((sum, percent) => sum + percent, 0);
			return {
				count: active.length,
				percent: percents.length ? percentSum / percents.length : null,
				speed: active.reduce((sum, { speed }) => sum + (speed ?? 0), 0),
				eta: etas.length ? Math.max(...etas) : null,
			};
		},
	};
};
