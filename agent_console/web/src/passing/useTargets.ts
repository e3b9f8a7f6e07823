import { useEffect, useState } from "react";
import { fetchAgents, fetchOutside, fetchQueues, type DeskAgent, type DeskQueue, type Outside } from "../wire/desk";

const EVERY_MS = 2_000;

export interface Targets {
  /** Null before the first answer. */
  readonly agents: readonly DeskAgent[] | null;
  readonly queues: readonly DeskQueue[] | null;
  readonly outside: Outside;
  /** Whether the newest answer did not come. */
  readonly stale: boolean;
}

const NOBODY: Targets = { agents: null, queues: null, outside: { prefixes: [], domains: [] }, stale: false };

/** Who can be asked, renewed as long as it is looked at. */
export function useTargets(): Targets {
  const [targets, setTargets] = useState(NOBODY);
  useEffect(() => {
    let gone = false;
    const take = (found: Partial<Targets>): void => {
      if (!gone) setTargets((before) => ({ ...before, ...found }));
    };
    const ask = (): void => {
      Promise.all([fetchAgents(), fetchQueues()]).then(
        ([agents, queues]) => take({ agents, queues, stale: false }),
        () => take({ stale: true }),
      );
    };
    ask();
    // Does not change while the server runs; without it the tab is not shown.
    fetchOutside().then((outside) => take({ outside }), () => undefined);
    const timer = setInterval(ask, EVERY_MS);
    return () => {
      gone = true;
      clearInterval(timer);
    };
  }, []);
  return targets;
}
