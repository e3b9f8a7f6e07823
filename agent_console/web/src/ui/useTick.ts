import { useEffect, useState } from "react";

/** Milliseconds of the page's steady clock, renewed every `everyMs` while `running`. */
export function useTick(everyMs: number, running: boolean): number {
  const [now, setNow] = useState(() => performance.now());
  useEffect(() => {
    if (!running) return;
    const timer = setInterval(() => setNow(performance.now()), everyMs);
    return () => clearInterval(timer);
  }, [everyMs, running]);
  return now;
}
