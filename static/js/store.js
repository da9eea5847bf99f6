/**
 * Progress store: the state of each download, and what the page must do about each frame.
 *
 * The client rules of the protocol `ytarchive.progress.v2`. Pure: the clock is an argument.
 */

/**
 * @typedef {{ attempt: number, status: string | null }} Attempt null: active, not named yet
 * @typedef {Attempt & Progress & { updatedAt: number }} VideoState
 * @typedef {{ attempt: number, status: string }} CardState what the page's markup shows
 * @typedef {ReadonlyMap<string, CardState>} ShownCards by video id
 * @typedef {ReturnType<typeof emptyOutcome>} Outcome
 * @typedef {{ shownCards: ShownCards, now: number, outcome: Outcome }} Context of one frame
 */

const STALLED_AFTER_SECONDS = 20;
const RESYNC_RETRY_MS = 6_000;
const MAX_MISSING_IDS = 500;

const TERMINAL_STATUSES = ["complete", "failed", "cancelled"];
const ACTIVE_STATUSES = ["downloading", "processing"];
const UNKNOWN_PROGRESS = { percent: null, downloaded_bytes: null, total_bytes: null, phase: null };
const UNKNOWN_PACE = { speed: null, eta: null };

/**
 * The making of a playable copy: it has a bar, but is no download, and has no card.
 *
 * @param {string} id
 */
const isCopy = (id) => id.startsWith("copy:");

/** What the page must do after a frame. */
const emptyOutcome = () => ({
	/** @type {Set<string>} */
	cardsToFetch: new Set(),
	/** @type {Map<string, string>} by video id */
	statusChanges: new Map(),
	refetchList: false,
	/** Something has changed that this page does not show. */
	othersChanged: false,
	/** Request a snapshot. */
	resync: false,
	/** False: a snapshot that only repeats the last frame. */
	isNews: true,
});

/**
 * @param {string | null} status
 * @returns {boolean}
 */
export const hasEnded = (status) => status !== null && TERMINAL_STATUSES.includes(status);

/** @param {string | null} status */
const isActive = (status) => status === null || ACTIVE_STATUSES.includes(status);

/**
 * Tell whether a message is late: of a lower attempt, or progress after the attempt's end.
 *
 * @param {boolean} isProgress
 * @param {number} attempt
 * @param {Attempt} known
 */
const isOutdated = (isProgress, attempt, known) =>
	attempt < known.attempt || (attempt === known.attempt && isProgress && hasEnded(known.status));

/**
 * @param {CardState | undefined} card
 * @param {number} attempt
 * @param {string | null} status
 */
const differsFromCard = (card, attempt, status) => {
	if (!card || card.attempt !== attempt) return true;
	return status === null ? !isActive(card.status) : card.status !== status;
};

/**
 * @param {number} renderedRev the `rev` (id of the newest event) that the page was rendered at
 * @param {boolean} acceptsNewVideos the page takes in what it does not show yet
 * @param {boolean} [showsActive] among that, what downloads
 */
export const createStore = (renderedRev, acceptsNewVideos, showsActive = acceptsNewVideos) => {
	/** @type {Map<string, VideoState>} of what is active or on the page */
	const states = new Map();
	/** @type {Set<string>} of the ids that the server does not have: never requested again */
	const missingIds = new Set();
	let knownRev = renderedRev;
	let epoch = "";
	let seq = -1;
	let resyncRequestedAt = 0;

	/**
	 * Replace everything believed so far, ended attempts included.
	 *
	 * @param {SnapshotFrame} frame
	 * @param {Context} context
	 */
	const applySnapshot = (frame, context) => {
		const { outcome, shownCards } = context;
		const previousStates = new Map(states);
		outcome.isNews = frame.epoch !== epoch || frame.seq !== seq;
		// Rows have changed since the page was rendered.
		outcome.refetchList = frame.rev !== knownRev;
		({ epoch, seq } = frame);
		resyncRequestedAt = 0;
		states.clear();
		for (const message of frame.videos) {
			applyMessage({ ...message, type: "progress" }, context, true);
			keepUpdateTime(message.video_id, previousStates);
		}
		// Shown as active, but not known to the server as such.
		for (const [videoId, card] of shownCards)
			if (isActive(card.status) && !states.has(videoId)) outcome.cardsToFetch.add(videoId);
		knownRev = frame.rev;
	};

	/**
	 * A snapshot that repeats a state must not hide a stall.
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
	 * Drop a batch that repeats, apply one that overlaps whole (messages are idempotent), and request
	 * a snapshot after a gap in `seq` or in another epoch.
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
	 * Until it comes, no message is applied; a card is fetched as it is now.
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

	/**
	 * @param {VideoMessage} message
	 * @param {Context} context
	 * @param {boolean} [fromSnapshot] counts more than the page's markup
	 */
	const applyMessage = (message, { shownCards, now, outcome }, fromSnapshot = false) => {
		const { type, video_id: videoId, rev = 0, ...fields } = message;
		const isProgress = type === "progress";
		const card = shownCards.get(videoId);
		knownRev = Math.max(knownRev, rev);
		if (missingIds.has(videoId)) return;
		const isNewHere = acceptsNewVideos && !isCopy(videoId) && (showsActive || !isProgress);
		const isForPage = card || isNewHere;
		outcome.othersChanged ||= !card && !acceptsNewVideos && !isProgress;
		if (type === "changed") {
			if (isForPage) outcome.cardsToFetch.add(videoId);
			return;
		}

		const previous = states.get(videoId);
		const known = previous ?? (fromSnapshot ? undefined : card);
		const attempt = fields.attempt ?? known?.attempt ?? card?.attempt ?? 1;
		if (known && isOutdated(isProgress, attempt, known)) return;

		const isNewAttempt = !known || attempt > known.attempt;
		const status = fields.status ?? (isNewAttempt ? null : known.status);
		const before = known ?? card;
		const isChange = before !== undefined && status !== before.status;
		// What the page does not show is announced when it ends.
		if (status && isChange && (card || (isNewHere && hasEnded(status))))
			outcome.statusChanges.set(videoId, status);

		if (hasEnded(status) && (!card || !differsFromCard(card, attempt, status)))
			states.delete(videoId);
		else {
			// Within an attempt, what a message leaves out stays as it was.
			const carried = isNewAttempt ? undefined : previous;
			const base = { ...UNKNOWN_PROGRESS, ...carried, ...UNKNOWN_PACE };
			states.set(videoId, { ...base, ...fields, attempt, status, updatedAt: now });
		}
		// The first progress of an attempt has requested the card already.
		const isFurtherProgress = isProgress && previous && !isNewAttempt;
		if (isForPage && !isFurtherProgress && differsFromCard(card, attempt, status))
			outcome.cardsToFetch.add(videoId);
	};

	return {
		/** @type {ReadonlyMap<string, VideoState>} */
		states,
		/** The newest rev that was heard of. */
		rev: () => knownRev,

		/**
		 * @param {ProgressFrame} frame
		 * @param {ShownCards} shownCards
		 * @param {number} now milliseconds
		 * @returns {Outcome}
		 */
		receive(frame, shownCards, now) {
			const outcome = emptyOutcome();
			const context = { shownCards, now, outcome };
			if (frame.type === "snapshot") applySnapshot(frame, context);
			else if (frame.type === "batch") applyBatch(frame, context);
			else applyMessage(frame, context);
			return outcome;
		},

		/**
		 * Ignore a video that the server does not have.
		 *
		 * @param {string} videoId
		 */
		markMissing(videoId) {
			states.delete(videoId);
			missingIds.add(videoId);
			if (missingIds.size > MAX_MISSING_IDS) missingIds.clear();
		},

		/**
		 * Forget what has ended, now that the page shows it so; return what only the page has told so far.
		 *
		 * @param {ShownCards} shownCards
		 * @param {number} pageRev
		 */
		reconcile(shownCards, pageRev) {
			const { statusChanges } = emptyOutcome();
			knownRev = Math.max(knownRev, pageRev);
			for (const [videoId, state] of states) {
				const { status, attempt } = shownCards.get(videoId) ?? state;
				if (hasEnded(status) && attempt >= state.attempt) {
					if (status !== state.status) statusChanges.set(videoId, /** @type {string} */ (status));
					states.delete(videoId);
				}
			}
			return statusChanges;
		},

		/**
		 * @param {Pick<VideoState, "status" | "updatedAt">} state
		 * @param {number} now milliseconds
		 * @returns {number} 0: not stalled
		 */
		stalledSeconds({ status, updatedAt }, now) {
			const seconds = Math.floor((now - updatedAt) / 1000);
			// Processing reports no progress.
			const canStall = isActive(status) && status !== "processing";
			return canStall && seconds >= STALLED_AFTER_SECONDS ? seconds : 0;
		},

		/**
		 * Add up what is active: mean percent, longest ETA.
		 *
		 * @param {ReadonlyMap<string, unknown>} [shownCards] only these
		 */
		sumTotals(shownCards) {
			const active = [...states].flatMap(([videoId, state]) =>
				isActive(state.status) && !isCopy(videoId) && (!shownCards || shownCards.has(videoId))
					? [state]
					: [],
			);
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
