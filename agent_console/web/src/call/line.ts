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
  /** Offers another connection for the same line; without it a line whose network changes is lost. */
  readonly again?: (sdp: string) => Promise<string>;
}

/** Sends an offer to the server. */
export type Join = (sdp: string) => Promise<Joined>;

/** How long the audio path may take to open, and how long a broken one may take to come back. */
const CONNECT_WITHIN_MS = 15_000;
const RECOVER_WITHIN_MS = 12_000;

/** How soon another connection is tried where the server could not be asked for one. */
const RETRY_MS = 1_000;

export class Line {
  readonly #changed: (snapshot: LineSnapshot) => void;
  #peer: Peer | null = null;
  /** The connection that shall take the place of a broken one, and what is heard over it. */
  #successor: Peer | null = null;
  #successorHeard: MediaStream | null = null;
  #redialing = false;
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
    const peer = this.#dial(config.ice_servers, sent);
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

  #dial(iceServers: readonly RTCIceServer[], sent: MediaStream): Peer {
    const peer: Peer = new Peer(iceServers, sent, {
      connected: () => {
        if (peer === this.#successor) this.#succeed(peer);
        if (peer === this.#peer) this.#connected();
      },
      unsteady: () => {
        if (peer === this.#peer) this.#unsteady();
      },
      lost: () => {
        if (peer === this.#peer) this.#lost();
        else if (peer === this.#successor) this.#retry();
      },
      closed: () => {
        // The server puts the old connection away as soon as the new one stands.
        if (peer === (this.#successor ?? this.#peer)) this.#closedByServer();
      },
      heard: (remote) => {
        if (peer === this.#peer) this.#publish({ remote });
        else this.#successorHeard = remote;
      },
    });
    return peer;
  }

  readonly #renew = (): void => void this.#reconnect();

  /** Make another connection for the same line, over whatever network there is now. */
  async #reconnect(): Promise<void> {
    const again = this.#joined?.again;
    const sent = this.#sent?.stream;
    if (again === undefined || sent === undefined || this.#snapshot.connectedAt === null) return;
    if (this.#redialing || this.#successor !== null) return;
    const round = this.#round;
    this.#redialing = true;
    try {
      const config = await fetchConfig();
      if (round !== this.#round) return;
      const peer = this.#dial(config.ice_servers, sent);
      this.#successor = peer;
      const sdp = await again(await peer.offer());
      if (peer === this.#successor) await peer.answered(sdp);
    } catch (error) {
      if (round !== this.#round) return;
      const refused = error instanceof Problem && [403, 404, 409].includes(error.status);
      if (refused) this.#fail(new PhoneError("lost"));
      else this.#retry();
    } finally {
      this.#redialing = false;
    }
  }

  #succeed(peer: Peer): void {
    this.#peer?.close();
    this.#peer = peer;
    this.#successor = null;
    this.#publish({ remote: this.#successorHeard });
  }

  #retry(): void {
    this.#successor?.close();
    this.#successor = null;
    const round = this.#round;
    setTimeout(() => {
      if (round === this.#round && this.#snapshot.state === "unsteady") void this.#reconnect();
    }, RETRY_MS);
  }

  #lost(): void {
    if (this.#snapshot.connectedAt === null) this.#fail(new PhoneError("blocked"));
    else if (this.#joined?.again === undefined) this.#fail(new PhoneError("lost"));
    else if (this.#snapshot.state !== "unsteady") this.#unsteady();
  }

  #connected(): void {
    clearTimeout(this.#timer);
    addEventListener("online", this.#renew);
    this.#publish({ state: "connected", connectedAt: this.#snapshot.connectedAt ?? performance.now() });
  }

  #unsteady(): void {
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => this.#fail(new PhoneError("lost")), RECOVER_WITHIN_MS);
    this.#publish({ state: "unsteady" });
    void this.#reconnect();
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
    removeEventListener("online", this.#renew);
    this.#peer?.close();
    this.#successor?.close();
    this.#sent?.stop();
    this.#peer = null;
    this.#successor = null;
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
    if (error.status === 429) return new PhoneError("throttled", error.code, error.retryAfterS);
    if (error.status === 503) return new PhoneError("full", error.code, error.retryAfterS);
    return new PhoneError(error.status === 0 ? "unreachable" : "rejected", error.code);
  }
  return new PhoneError("rejected", error instanceof Error ? error.name : "");
}
