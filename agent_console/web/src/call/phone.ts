/** A call from the caller's side: from the press of the button to the hang-up. */

import { fetchConfig, hangUp, placeCall, pressKey, type PlacedCall } from "../wire/api";
import { Problem } from "../wire/http";
import { listMicrophones, openMicrophone, pageObstacle, PhoneError, type Microphone } from "./microphone";
import { Peer } from "./peer";

export type PhoneState = "idle" | "microphone" | "connecting" | "connected" | "unsteady" | "ended" | "failed";

export interface PhoneSnapshot {
  readonly state: PhoneState;
  readonly error: PhoneError | null;
  readonly call: string | null;
  /** When the call was connected, in milliseconds of the page's steady clock. */
  readonly connectedAt: number | null;
  readonly endedAt: number | null;
  readonly microphones: readonly Microphone[];
  readonly microphone: string;
  readonly own: MediaStream | null;
  readonly remote: MediaStream | null;
  readonly human: "no" | "asking" | "asked" | "failed";
}

/** How long the audio path may take to open, and how long a broken one may take to come back. */
const CONNECT_WITHIN_MS = 15_000;
const RECOVER_WITHIN_MS = 12_000;

export class Phone {
  readonly #listeners = new Set<() => void>();
  #peer: Peer | null = null;
  #placed: PlacedCall | null = null;
  #timer: ReturnType<typeof setTimeout> | undefined;
  /** Rises with every call and hang-up, so that an answer that comes late finds nobody. */
  #round = 0;
  #snapshot: PhoneSnapshot = {
    state: "idle",
    error: null,
    call: null,
    connectedAt: null,
    endedAt: null,
    microphones: [],
    microphone: "",
    own: null,
    remote: null,
    human: "no",
  };

  readonly subscribe = (listener: () => void): (() => void) => {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  };

  readonly snapshot = (): PhoneSnapshot => this.#snapshot;

  get busy(): boolean {
    return ["microphone", "connecting", "connected", "unsteady"].includes(this.#snapshot.state);
  }

  /** Place a call. Every failure ends in the state `failed` with its error. */
  async start(language: string): Promise<void> {
    if (this.busy) return;
    this.#round += 1;
    const round = this.#round;
    this.#publish({
      state: "microphone",
      error: null,
      call: null,
      connectedAt: null,
      endedAt: null,
      human: "no",
    });
    try {
      const blocked = pageObstacle();
      if (blocked !== null) throw new PhoneError(blocked);
      const own = await openMicrophone(this.#snapshot.microphone);
      if (round !== this.#round) {
        stopTracks(own);
        return;
      }
      this.#publish({ own, state: "connecting", microphones: await listMicrophones() });
      await this.#connect(own, language, round);
    } catch (error) {
      if (round === this.#round) this.#fail(explain(error));
    }
  }

  /** Hang up, in whatever state. */
  stop(): void {
    if (!this.busy) return;
    this.#tellServer();
    this.#release();
    this.#publish({ state: "ended", endedAt: performance.now() });
  }

  /** Ask for a human by the key 0, as on a phone line. */
  async askHuman(): Promise<void> {
    const placed = this.#placed;
    if (placed === null) return;
    this.#publish({ human: "asking" });
    try {
      await pressKey(placed.call, placed.secret, crypto.randomUUID(), "0");
      this.#publish({ human: "asked" });
    } catch {
      this.#publish({ human: "failed" });
    }
  }

  /** Choose a microphone; during a call it takes over at once. */
  async choose(microphone: string): Promise<void> {
    this.#publish({ microphone });
    const { own } = this.#snapshot;
    if (own === null || this.#peer === null) return;
    const round = this.#round;
    try {
      const next = await openMicrophone(microphone);
      if (round !== this.#round) {
        stopTracks(next);
        return;
      }
      await this.#peer.replaceMicrophone(next);
      stopTracks(own);
      this.#publish({ own: next });
    } catch (error) {
      // The call goes on with the microphone it has.
      if (round === this.#round) this.#publish({ error: explain(error) });
    }
  }

  async #connect(own: MediaStream, language: string, round: number): Promise<void> {
    const config = await fetchConfig();
    if (round !== this.#round) return;
    const peer = new Peer(config.ice_servers, own, {
      connected: () => this.#connected(),
      unsteady: () => this.#unsteady(),
      lost: () => this.#fail(new PhoneError(this.#snapshot.connectedAt === null ? "blocked" : "lost")),
      closed: () => this.#closedByServer(),
      heard: (remote) => this.#publish({ remote }),
    });
    this.#peer = peer;
    const sdp = await peer.offer();
    if (round !== this.#round) return;
    const placed = await placeCall({ key: crypto.randomUUID(), sdp, language, caller: "web" });
    if (round !== this.#round) {
      void hangUp(placed.call, placed.secret).catch(() => undefined);
      return;
    }
    this.#placed = placed;
    this.#publish({ call: placed.call });
    this.#timer = setTimeout(() => this.#fail(new PhoneError("blocked")), CONNECT_WITHIN_MS);
    await peer.answered(placed.sdp);
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
    this.#release();
    this.#publish({ state: "ended", endedAt: performance.now() });
  }

  #fail(error: PhoneError): void {
    if (!this.busy) return;
    this.#tellServer();
    this.#release();
    this.#publish({ state: "failed", error, endedAt: performance.now() });
  }

  #tellServer(): void {
    const placed = this.#placed;
    // Where the server cannot be told it notices by itself that the audio path is gone.
    if (placed !== null) void hangUp(placed.call, placed.secret).catch(() => undefined);
  }

  #release(): void {
    this.#round += 1;
    clearTimeout(this.#timer);
    this.#peer?.close();
    stopTracks(this.#snapshot.own);
    this.#peer = null;
    this.#placed = null;
    this.#publish({ own: null, remote: null });
  }

  #publish(change: Partial<PhoneSnapshot>): void {
    this.#snapshot = { ...this.#snapshot, ...change };
    for (const listener of this.#listeners) listener();
  }
}

/** What a failure means to the caller. */
export function explain(error: unknown): PhoneError {
  if (error instanceof PhoneError) return error;
  if (error instanceof Problem) {
    if (error.status === 503) return new PhoneError("full", error.code, error.retryAfterS);
    return new PhoneError(error.status === 0 ? "unreachable" : "rejected", error.code);
  }
  return new PhoneError("rejected", error instanceof Error ? error.name : "");
}

function stopTracks(stream: MediaStream | null): void {
  for (const track of stream?.getTracks() ?? []) track.stop();
}
