/** The shapes that the modules exchange, known to all of them; nothing here is loaded by a browser. */

/** The small state of one video, as the wire has it. */
interface State {
	attempt: number;
	status: string | null;
	percent: number | null;
	downloaded_bytes: number | null;
	total_bytes: number | null;
	speed: number | null;
	eta: number | null;
	phase: string | null;
	/** When something last came in, in milliseconds. */
	at: number;
}

/** A progress, status or changed object. */
interface Message extends Partial<Omit<State, "at">> {
	type: "progress" | "status" | "changed";
	video_id: string;
	rev?: number;
}

interface Snapshot {
	type: "snapshot";
	epoch: string;
	seq: number;
	rev: number;
	videos: Message[];
}

interface Batch {
	type: "batch";
	epoch: string;
	from: number;
	seq: number;
	messages: Message[];
}

type Frame = Snapshot | Batch | Message;

/** What the page shows of a video. */
interface Card {
	status: string;
	attempt: number;
	element: HTMLElement;
}
type Shown = ReadonlyMap<string, Card>;

/** What follows from a frame. */
interface Outcome {
	/** Ids whose card must be fetched. */
	cards: Set<string>;
	/** What the page shows and has another status now. */
	turned: Map<string, string>;
	/** The list must be fetched. */
	list: boolean;
	/** Something has changed that the page does not show. */
	others: boolean;
	/** A snapshot must be asked for. */
	resync: boolean;
	/** The bridge lives: this is not the snapshot that was there before. */
	news: boolean;
}

/** What a frame meets: the page, the time, and where its consequences are gathered. */
interface Moment {
	shown: Shown;
	now: number;
	outcome: Outcome;
}

/** Downloads that run, added up. */
interface Totals {
	count: number;
	percent: number | null;
	speed: number;
	eta: number | null;
}

type Connection = "live" | "reconnecting" | "paused" | "polling";

/** Takes a frame, or a message; `fresh`: whatever the page shows. */
type Take<What> = (what: What, moment: Moment, fresh?: boolean) => void;

/** `rev` of the page; `open`: it takes videos that it does not show yet. */
type CreateStore = (
	rev: number,
	open: boolean,
) => {
	readonly states: ReadonlyMap<string, State>;
	receive(frame: Frame, shown: Shown, now: number): Outcome;
	/** The server does not have this id. */
	absent(id: string): void;
	/** The page shows this now, rendered at `rev`: forget what is over on it, or over and not on it. */
	settle(shown: Shown, rev: number): void;
	/** For how many seconds a download stands still; 0: it does not. */
	stalled(state: State, now: number): number;
	totals(): Totals;
};

/** How long to wait, in milliseconds; `random` from 0 to 1. */
type Delay = (failures: number, downFor: number, hidden: boolean, random: number) => number;

/** `wake`: the network or the person is back, look at once; `resync`: ask for a snapshot. */
type Connect = (
	url: string,
	snapshotUrl: string,
	page: Listener,
) => { wake(): void; resync(): void };

/** What the socket tells the page. */
interface Listener {
	/** Returns whether the frame is news. */
	frame(frame: Frame): boolean;
	state(state: Connection): void;
}

/** `url` of the partials; `absent`: the server does not have this id; `swapped`: the page shows other cards. */
type CreateCards = (
	url: string,
	page: { swapped(): void; absent(id: string): void },
) => {
	readonly shown: Shown;
	/** These cards may have changed. */
	want(ids: Iterable<string>, wait?: number): void;
	/** Anything may have changed. */
	wantAll(): void;
	/** See what the page shows now. */
	scan(): void;
};

/** What an element of the templates may be able to do. */
interface Part extends HTMLVideoElement {
	checked?: boolean;
	value: number;
	dateTime: string;
	name: string;
	showModal(): void;
	close(): void;
	reset(): void;
}
type Find = (selector: string, root?: ParentNode) => Part | null;
type FindAll = (selector: string, root?: ParentNode) => Part[];

/** What the page listens to comes from its elements. */
interface EventTarget {
	closest(selector: string): Part | null;
	blur(): void;
}

type Write = (selector: string, words: string, root?: ParentNode) => void;

type Pace = (pace: Pick<State, "speed" | "eta">, ...before: string[]) => string;

interface Window {
	/** Not in the admin. */
	htmx?: { process(element: Element): void };
}

/** What htmx tells of a swap, and the server of an action. */
interface WindowEventMap {
	"htmx:afterSettle": CustomEvent & { target: Part };
	"htmx:afterRequest": CustomEvent<{ xhr: XMLHttpRequest }>;
	acted: CustomEvent<{ ids: string[] }> & { target: Part };
}
