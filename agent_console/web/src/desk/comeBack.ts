/**
 * Brings this page's audio back onto the call that it serves: after a reload, and after a connection that broke for good.
 *
 * The server keeps the caller with the agent for a while. Nothing here holds a timer of its own; whoever owns it calls
 * `tick` once a second.
 */

export type Reason = "reloaded" | "lost";

export interface Returning {
  readonly call: string;
  readonly why: Reason;
  /** How often it was tried. */
  readonly attempts: number;
}

export interface ComeBackPorts {
  /** The calls that the desk says are mine; null before it has said anything. */
  readonly mine: () => readonly string[] | null;
  /** Ask the desk anew. */
  readonly refresh: () => Promise<void>;
  /** Whether a line is being opened or stands. */
  readonly busy: () => boolean;
  /** Open the line. */
  readonly join: (call: string) => Promise<void>;
  /** The caller is somebody else's by now. */
  readonly gone: (call: string) => void;
  /** Milliseconds of a steady clock. */
  readonly now: () => number;
}

/** Least time from each attempt to the next; together they outlast what the server waits for an agent by default. */
const PAUSES_MS = [1_000, 2_000, 4_000, 6_000, 6_000] as const;

const STORED_AS = "warmline.on-call";

/** The call that this tab had audio of when it was left; it outlives a reload, not the tab. */
export const rememberedCall = (): string | null => sessionStorage.getItem(STORED_AS);

export function rememberCall(call: string | null): void {
  if (call === null) sessionStorage.removeItem(STORED_AS);
  else sessionStorage.setItem(STORED_AS, call);
}

export class ComeBack {
  readonly #ports: ComeBackPorts;
  readonly #listeners = new Set<() => void>();
  #returning: Returning | null = null;
  #nextAt = 0;
  #trying = false;

  constructor(ports: ComeBackPorts) {
    this.#ports = ports;
  }

  readonly subscribe = (listener: () => void): (() => void) => {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  };

  readonly snapshot = (): Returning | null => this.#returning;

  /** Come back to a call, as soon as the desk says that it is mine. */
  begin(call: string, why: Reason): void {
    if (this.#returning?.call === call) return;
    this.#nextAt = this.#ports.now();
    this.#publish({ call, why, attempts: 0 });
  }

  /** The line stands again, or nobody wishes to come back any more. */
  end(): void {
    if (this.#returning !== null) this.#publish(null);
  }

  /** Time has passed. */
  async tick(): Promise<void> {
    const wanted = this.#returning;
    if (wanted === null || this.#trying || this.#ports.busy() || this.#ports.now() < this.#nextAt) return;
    this.#trying = true;
    try {
      await this.#ports.refresh();
      const mine = this.#ports.mine();
      // Somebody may have put the phone down while the desk was asked.
      if (mine === null || this.#returning !== wanted) return;
      if (!mine.includes(wanted.call)) {
        this.#publish(null);
        this.#ports.gone(wanted.call);
        return;
      }
      const pause = PAUSES_MS[wanted.attempts];
      if (pause === undefined) {
        // What is left is the button.
        this.#publish(null);
        return;
      }
      this.#nextAt = this.#ports.now() + pause;
      this.#publish({ ...wanted, attempts: wanted.attempts + 1 });
      await this.#ports.join(wanted.call);
    } finally {
      this.#trying = false;
    }
  }

  #publish(returning: Returning | null): void {
    this.#returning = returning;
    for (const listener of this.#listeners) listener();
  }
}
