/** Ticks once a second, also while the page is in the background, where a page's own timers are slowed to one a minute. */

export interface Metronome {
  readonly stop: () => void;
}

const EVERY_MS = 1_000;

export function startMetronome(tick: () => void): Metronome {
  let worker: Worker;
  try {
    worker = new Worker(new URL("./beat.worker.ts", import.meta.url), { type: "module" });
  } catch {
    // Without workers the page's own timer has to do.
    const timer = setInterval(tick, EVERY_MS);
    return { stop: () => clearInterval(timer) };
  }
  worker.onmessage = tick;
  worker.postMessage(EVERY_MS);
  return { stop: () => worker.terminate() };
}
