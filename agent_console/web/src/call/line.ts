/** One audio line to the server, for callers and agents alike: microphone, connection, recovery, end. */

import { fetchConfig } from "../wire/api";
import { Problem } from "../wire/http";
import {
  listMicrophones,
  microphoneSource,
  openMicrophone,
  pageObstacle,
  PhoneError,
  silentSource,
  stopTracks,
  type Microphone,
  type Source,
} from "./microphone";
import { Peer } from "./peer";

export type LineState = "idle" | "microphone" | "connecting" | "connected" | "unsteady" | "ended" | "failed";

export interface LineSnapshot {
  readonly state: LineState;
  readonly error: PhoneError | null;
  /** When the line was connected, in milliseconds of the page's steady clock. */
  readonly connectedAt: number | null;
  readonly endedAt: number | null;
  readonly microphones: readonly Microphone[];
  readonly microphone: string;
  /** What is said into the microphone; null while none is open. */
  readonly own: MediaStream | null;
  readonly remote: MediaStream | null;
}

/** The server's answer to an offer, and what to tell it when the line is closed from this side. */
export interface Joined {
  readonly sdp: string;
  readonly left?: (why: "stopped" | "failed") => void;
}

/** Sends an offer to the server. */
export type Join = (sdp: string) => Promise<Joined>;

/** How long the audio path may take to open, and how long a broken one may take to come back. */
const CONNECT_WITHIN_MS = 15_000;
const RECOVER_WITHIN_MS = 12_000;

export class Line {
  readonly #changed: (snapshot: LineSnapshot) => void;
  #peer: Peer | null = null;
  #joined: Joined | null = null;
  /** What is sent; silence on a line that only listens. */
  #sent: Source | null = null;
  #timer: ReturnType<typeof setTimeout> | undefined;
  /** Rises with every opening and closing, so that an answer that comes late finds nobody. */
  #round = 0;
  #snapshot: LineSnapshot = {
    state: "idle",
    error: null,
    connectedAt: null,
    endedAt: null,
    microphones: [],
    microphone: "",
    own: null,
    remote: null,
  };

  constructor(changed: (snapshot: LineSnapshot) => void) {
    this.#changed = changed;
  }

  get snapshot(): LineSnapshot {
    return this.#snapshot;
  }

  get busy(): boolean {
    return ["microphone", "connecting", "connected", "unsteady"].includes(this.#snapshot.state);
  }

  /** Open the line. Every failure ends in the state `failed` with its error. A line that does not speak asks for no microphone. */
  async open(join: Join, { speaks = true } = {}): Promise<void> {
    if (this.busy) return;
    this.#round += 1;
    const round = this.#round;
    this.#publish({ state: speaks ? "microphone" : "connecting", error: null, connectedAt: null, endedAt: null });
    try {
      const blocked = pageObstacle();
      if (blocked !== null) throw new PhoneError(blocked);
      const sent = speaks ? microphoneSource(await openMicrophone(this.#snapshot.microphone)) : silentSource();
      if (round !== this.#round) {
        sent.stop();
        return;
      }
      this.#sent = sent;
      const microphones = speaks ? await listMicrophones() : this.#snapshot.microphones;
      this.#publish({ own: speaks ? sent.stream : null, state: "connecting", microphones });
      await this.#connect(sent.stream, join, round);
    } catch (error) {
      if (round === this.#round) this.#fail(explain(error));
    }
  }

  /** Close the line, in whatever state. */
  close(): void {
    if (!this.busy) return;
    this.#joined?.left?.("stopped");
    this.#release({ state: "ended" });
  }

  /** Choose a microphone; on an open line it takes over at once. */
  async choose(microphone: string): Promise<void> {
    this.#publish({ microphone });
    if (this.#snapshot.own !== null) await this.#speakThrough(microphone);
  }

  /** Speak on a line that only listened so far. */
  async speak(): Promise<void> {
    if (this.#snapshot.own === null) await this.#speakThrough(this.#snapshot.microphone);
  }

  /** Let nothing out of the microphone, whatever the server does; or let it out again. */
  cut(silent: boolean): void {
    for (const track of this.#snapshot.own?.getAudioTracks() ?? []) track.enabled = !silent;
  }

  async #speakThrough(microphone: string): Promise<void> {
    const before = this.#sent;
    if (before === null || this.#peer === null) return;
    const round = this.#round;
    try {
      const next = await openMicrophone(microphone);
      if (round !== this.#round) {
        stopTracks(next);
        return;
      }
      await this.#peer.replaceMicrophone(next);
      const silent = this.#snapshot.own?.getAudioTracks()[0]?.enabled === false;
      before.stop();
      this.#sent = microphoneSource(next);
      this.#publish({ own: next, error: null, microphones: await listMicrophones() });
      this.cut(silent);
    } catch (error) {
      // The line goes on with the microphone it has.
      if (round === this.#round) this.#publish({ error: explain(error) });
    }
  }

  async #connect(sent: MediaStream, join: Join, round: number): Promise<void> {
    const config = await fetchConfig();
    if (round !== this.#round) return;
    const peer = new Peer(config.ice_servers, sent, {
      connected: () => this.#connected(),
      unsteady: () => this.#unsteady(),
      lost: () => this.#fail(new PhoneError(this.#snapshot.connectedAt === null ? "blocked" : "lost")),
      closed: () => this.#closedByServer(),
      heard: (remote) => this.#publish({ remote }),
    });
    this.#peer = peer;
    const sdp = await peer.offer();
    if (round !== this.#round) return;
    const joined = await join(sdp);
    if (round !== this.#round) {
      joined.left?.("stopped");
      return;
    }
    this.#joined = joined;
    this.#timer = setTimeout(() => this.#fail(new PhoneError("blocked")), CONNECT_WITHIN_MS);
    await peer.answered(joined.sdp);
  }

  #connected(): void {
    clearTimeout(this.#timer);
    this.#publish({ state: "connected", connectedAt: this.#snapshot.connectedAt ?? performance.now() });
  }

  #unsteady(): void {
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => this.#fail(new PhoneError("lost")), RECOVER_WITHIN_MS);
    this.#publish({ state: "unsteady" });
  }

  #closedByServer(): void {
    if (!this.busy) return;
    this.#release({ state: "ended" });
  }

  #fail(error: PhoneError): void {
    if (!this.busy) return;
    this.#joined?.left?.("failed");
    this.#release({ state: "failed", error });
  }

  #release(end: Pick<LineSnapshot, "state"> & Partial<LineSnapshot>): void {
    this.#round += 1;
    clearTimeout(this.#timer);
    this.#peer?.close();
    this.#sent?.stop();
    this.#peer = null;
    this.#joined = null;
    this.#sent = null;
    this.#publish({ ...end, endedAt: performance.now(), own: null, remote: null });
  }

  #publish(change: Partial<LineSnapshot>): void {
    this.#snapshot = { ...this.#snapshot, ...change };
    this.#changed(this.#snapshot);
  }
}

/** What a failure means to a person. */
export function explain(error: unknown): PhoneError {
  if (error instanceof PhoneError) return error;
  if (error instanceof Problem) {
    if (error.status === 503) return new PhoneError("full", error.code, error.retryAfterS);
    return new PhoneError(error.status === 0 ? "unreachable" : "rejected", error.code);
  }
  return new PhoneError("rejected", error instanceof Error ? error.name : "");
}
