/** The shapes that the modules exchange; nothing here is loaded by a browser. */

/** The small state of one video, as the wire has it. */
export interface State {
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
export interface Message extends Partial<Omit<State, "at">> {
  type: string;
  video_id: string;
  rev?: number;
}

export interface Snapshot {
  type: "snapshot";
  epoch: string;
  seq: number;
  rev: number;
  videos: Message[];
}

export interface Batch {
  type: "batch";
  epoch: string;
  from: number;
  seq: number;
  messages: Message[];
}

export type Frame = Snapshot | Batch | Message;

/** What the page shows of a video. */
export interface Card {
  status: string;
  attempt: number;
}
export type Shown = ReadonlyMap<string, Card>;

/** What follows from a frame. */
export interface Outcome {
  /** Ids whose bar has a new state. */
  moved: Set<string>;
  /** Ids whose card must be fetched. */
  cards: Set<string>;
  /** The list must be fetched. */
  list: boolean;
  /** A snapshot must be asked for. */
  resync: boolean;
}

/** Downloads that run, added up. */
export interface Totals {
  count: number;
  percent: number | null;
  speed: number;
  eta: number | null;
}

export type Connection = "live" | "reconnecting" | "paused" | "polling";
