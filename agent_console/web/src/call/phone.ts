/** A call from the caller's side: from the press of the button to the hang-up. */

import { hangUp, offerAnew, placeCall, pressKey, type PlacedCall, type Told } from "../wire/api";
import { Line, type LineSnapshot, type LineState } from "./line";
import { askFor, followTold } from "./told";

export type PhoneState = LineState;

export interface PhoneSnapshot extends LineSnapshot {
  readonly call: string | null;
  readonly human: "no" | "asking" | "asked" | "failed";
  /** What the server told the caller, the newest last. */
  readonly told: readonly Told[];
}

/** So many of the newest are kept. */
const TOLD = 50;

export class Phone {
  readonly #listeners = new Set<() => void>();
  readonly #line = new Line((line) => this.#publish(line));
  #placed: PlacedCall | null = null;
  #snapshot: PhoneSnapshot = { ...this.#line.snapshot, call: null, human: "no", told: [] };
  /** Ends the following of what the caller is told. */
  #following = new AbortController();

  readonly subscribe = (listener: () => void): (() => void) => {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  };

  readonly snapshot = (): PhoneSnapshot => this.#snapshot;

  get busy(): boolean {
    return this.#line.busy;
  }

  /** Place a call. Every failure ends in the state `failed` with its error. */
  async start(language: string): Promise<void> {
    if (this.busy) return;
    this.#placed = null;
    this.#following.abort();
    this.#publish({ call: null, human: "no", told: [] });
    await this.#line.open(async (sdp) => {
      const placed = await placeCall({ key: crypto.randomUUID(), sdp, language, caller: "web" });
      this.#placed = placed;
      this.#publish({ call: placed.call });
      this.#follow(placed);
      // Where the server cannot be told it notices by itself that the audio path is gone.
      return {
        sdp: placed.sdp,
        left: () => void hangUp(placed.call, placed.secret).catch(() => undefined),
        again: (anew) => offerAnew(placed.call, placed.secret, crypto.randomUUID(), anew),
      };
    });
  }

  /** Hang up, in whatever state. */
  stop(): void {
    this.#line.close();
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
    await this.#line.choose(microphone);
  }

  #follow({ call, secret }: PlacedCall): void {
    const following = new AbortController();
    this.#following = following;
    void followTold(askFor(call, secret), following.signal, (told) => {
      this.#publish({ told: [...this.#snapshot.told, ...told].slice(-TOLD) });
    });
  }

  #publish(change: Partial<PhoneSnapshot>): void {
    this.#snapshot = { ...this.#snapshot, ...change };
    if (!this.#line.busy) this.#following.abort();
    for (const listener of this.#listeners) listener();
  }
}
