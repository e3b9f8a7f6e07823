import { useCallback, useMemo, useState, useSyncExternalStore } from "react";
import { go } from "../app/router";
import type { AgentPhone } from "../desk/agentPhone";
import type { LiveCalls } from "../live/liveCalls";
import { endConsult, withdrawTransfer } from "../wire/desk";
import { askedOf, type Asked } from "./asked";

/** Being asked to a colleague's call, and how one answers. */
export interface Invitation {
  readonly asked: Asked | null;
  readonly doing: "accept" | "decline" | null;
  /** Whether the newest answer came to nothing. */
  readonly failed: boolean;
  readonly accept: () => Promise<void>;
  readonly decline: () => Promise<void>;
}

interface Ports {
  readonly live: LiveCalls;
  readonly phone: AgentPhone;
  readonly me: string;
  readonly serves: boolean;
  /** Brings this page's audio onto the call; answers whether that can be had at all. */
  readonly join: (asked: Asked) => Promise<boolean>;
}

export function useInvitation({ live, phone, me, serves, join }: Ports): Invitation {
  const snapshot = useSyncExternalStore(live.subscribe, live.snapshot);
  const onPhone = useSyncExternalStore(phone.subscribe, phone.snapshot).call;
  const [doing, setDoing] = useState<Invitation["doing"]>(null);
  const [failed, setFailed] = useState(false);
  const asked = serves ? askedOf(snapshot, me, onPhone) : null;
  const refuse = useCallback(async ({ call, to }: Asked): Promise<boolean> => {
    try {
      await (to === "consult" ? endConsult(call) : withdrawTransfer(call));
      return true;
    } catch {
      return false;
    }
  }, []);
  const accept = useCallback(async () => {
    if (asked === null || doing !== null || phone.busy) return;
    setDoing("accept");
    setFailed(false);
    go("/desk");
    // Whoever asked waits for no page that cannot come.
    if (!(await join(asked))) await refuse(asked);
    setDoing(null);
  }, [asked, doing, phone, join, refuse]);
  const decline = useCallback(async () => {
    if (asked === null || doing !== null) return;
    setDoing("decline");
    setFailed(!(await refuse(asked)));
    setDoing(null);
  }, [asked, doing, refuse]);
  return useMemo(() => ({ asked, doing, failed, accept, decline }), [asked, doing, failed, accept, decline]);
}
