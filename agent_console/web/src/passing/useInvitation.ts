import { useCallback, useMemo, useState, useSyncExternalStore } from "react";
import { go } from "../app/router";
import type { AgentPhone } from "../desk/agentPhone";
import type { ComeBack } from "../desk/comeBack";
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
  /** Null for roles that serve nobody, whom nobody asks. */
  readonly comeBack: ComeBack | null;
  /** Brings this page's audio onto the call; answers whether that can be had at all. */
  readonly join: (asked: Asked) => Promise<boolean>;
}

const deaf = (): (() => void) => () => undefined;
const nowhere = (): null => null;

export function useInvitation({ live, phone, me, comeBack, join }: Ports): Invitation {
  const snapshot = useSyncExternalStore(live.subscribe, live.snapshot);
  const onPhone = useSyncExternalStore(phone.subscribe, phone.snapshot).call;
  const [doing, setDoing] = useState<Invitation["doing"]>(null);
  const returning = useSyncExternalStore(comeBack?.subscribe ?? deaf, comeBack?.snapshot ?? nowhere)?.call ?? null;
  const [failedOn, setFailedOn] = useState<string | null>(null);
  const asked = comeBack === null ? null : askedOf(snapshot, me, onPhone, returning);
  // Another invitation, also to the same call, has not failed because the one before did.
  if (asked === null && failedOn !== null) setFailedOn(null);
  const failed = asked !== null && failedOn === asked.call;
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
    setFailedOn(null);
    go("/desk");
    // Whoever asked waits for no page that cannot come.
    if (!(await join(asked))) await refuse(asked);
    setDoing(null);
  }, [asked, doing, phone, join, refuse]);
  const decline = useCallback(async () => {
    if (asked === null || doing !== null) return;
    setDoing("decline");
    setFailedOn((await refuse(asked)) ? null : asked.call);
    setDoing(null);
  }, [asked, doing, refuse]);
  return useMemo(() => ({ asked, doing, failed, accept, decline }), [asked, doing, failed, accept, decline]);
}
