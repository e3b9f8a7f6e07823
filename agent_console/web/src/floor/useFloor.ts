import { useCallback, useEffect, useState } from "react";
import { fetchAgents, fetchContacts, fetchQueues, type Contact, type DeskAgent, type DeskQueue } from "../wire/desk";
import { Problem } from "../wire/http";

export interface FloorState {
  readonly queues: readonly DeskQueue[];
  readonly contacts: readonly Contact[];
  readonly agents: readonly DeskAgent[];
}

export interface Floor {
  /** Null before the first answer. */
  readonly state: FloorState | null;
  readonly absent: boolean;
  /** Whether the newest state could not be had. */
  readonly stale: boolean;
  readonly refresh: () => void;
}

const EVERY_MS = 2_000;

/** The desk as it is, asked again while somebody looks. */
export function useFloor(): Floor {
  const [state, setState] = useState<FloorState | null>(null);
  const [absent, setAbsent] = useState(false);
  const [stale, setStale] = useState(false);
  const [asked, setAsked] = useState(0);
  const refresh = useCallback(() => setAsked((n) => n + 1), []);

  useEffect(() => {
    let over = false;
    let timer: ReturnType<typeof setTimeout> | undefined;
    const ask = async (): Promise<void> => {
      try {
        if (!document.hidden) {
          const [queues, contacts, agents] = await Promise.all([fetchQueues(), fetchContacts(), fetchAgents()]);
          if (over) return;
          setState({ queues, contacts, agents });
          setStale(false);
        }
      } catch (error) {
        if (over) return;
        if (error instanceof Problem && error.code === "desk.absent") {
          setAbsent(true);
          return;
        }
        setStale(true);
      }
      timer = setTimeout(() => void ask(), EVERY_MS);
    };
    void ask();
    return () => {
      over = true;
      clearTimeout(timer);
    };
  }, [asked]);
  return { state, absent, stale, refresh };
}
