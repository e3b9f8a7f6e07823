/** Follows what the server tells the caller of a call, for as long as it lasts. */

import { fetchTold, type Told, type ToldPage } from "../wire/api";

/** How long one question waits for news; shorter than proxies keep a silent connection. */
const WAIT_S = 20;

/** How soon it is asked again where the server could not be reached. */
const RETRY_MS = 2_000;

/** How often a call may not be known yet: it is as soon as its audio has found a way. */
const UNKNOWN = 10;

export type Ask = (after: number, waitS: number, signal: AbortSignal) => Promise<ToldPage>;

export const askFor =
  (call: string, secret: string): Ask =>
  (after, waitS, signal) =>
    fetchTold(call, secret, after, waitS, signal);

/** Hands on each thing once, in order, until the call has ended, it is refused (a `Problem` with a status), or aborted. */
export async function followTold(ask: Ask, signal: AbortSignal, heard: (told: readonly Told[]) => void): Promise<void> {
  const left = (): boolean => signal.aborted;
  let unknown = 0;
  for (let after = -1; !left(); ) {
    try {
      const page = await ask(after, WAIT_S, signal);
      if (left()) return;
      if (page.told.length > 0) heard(page.told);
      if (page.ended) return;
      after = page.last_seq;
    } catch (error) {
      const status = statusOf(error);
      if (status === 404) unknown += 1;
      if (left() || unknown > UNKNOWN || (status >= 400 && status !== 404)) return;
      await rest(signal);
    }
  }
}

const statusOf = (error: unknown): number =>
  typeof error === "object" && error !== null && "status" in error && typeof error.status === "number" ? error.status : 0;

const rest = (signal: AbortSignal): Promise<void> =>
  new Promise((resolve) => {
    const timer = setTimeout(resolve, RETRY_MS);
    signal.addEventListener("abort", () => {
      clearTimeout(timer);
      resolve();
    });
  });
