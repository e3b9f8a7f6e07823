/** What a signed-in person works with on every page: the live calls, the desk, the phone. */

import { createContext, use, useSyncExternalStore } from "react";
import type { PhoneError } from "../call/microphone";
import type { LiveCalls, LiveSnapshot } from "../live/liveCalls";
import type { Session } from "../wire/api";
import type { Presence } from "../wire/desk";
import type { Invitation } from "../passing/useInvitation";
import type { AgentPhone, AgentPhoneSnapshot } from "./agentPhone";
import type { Callbacks } from "./callingBack";
import type { ComeBack, Returning } from "./comeBack";
import type { Desk, DeskSnapshot } from "./desk";

export interface Workplace {
  readonly session: Session;
  readonly live: LiveCalls;
  /** Null for roles that serve nobody. */
  readonly desk: Desk | null;
  readonly phone: AgentPhone;
  /** Whether this person may supervise. */
  readonly supervises: boolean;
  /** The call that was served last, for the after-call work. */
  readonly lastServed: string | null;
  /** Why this page cannot be ready: the microphone. */
  readonly trouble: PhoneError | null;
  readonly checking: boolean;
  /** Brings this page's audio back by itself; null for roles that serve nobody. */
  readonly comeBack: ComeBack | null;
  /** A colleague who asks me to come to their call. */
  readonly invitation: Invitation;
  /** The caller whom I call back, while their telephone rings. */
  readonly callbacks: Callbacks;
  readonly setPresence: (presence: Presence) => Promise<void>;
  /** Take the caller who is offered, and open the phone. */
  readonly accept: () => Promise<void>;
  /** Bring this page's audio onto the call that I serve. */
  readonly rejoin: (call: string) => Promise<void>;
}

export const WorkplaceContext = createContext<Workplace | null>(null);

/** The workplace; null where nobody is signed in, or on the callers' page. */
export const useMaybeWorkplace = (): Workplace | null => use(WorkplaceContext);

export function useWorkplace(): Workplace {
  const place = use(WorkplaceContext);
  if (place === null) throw new Error("useWorkplace stands inside Workplace.");
  return place;
}

export const useLive = ({ live }: Workplace): LiveSnapshot => useSyncExternalStore(live.subscribe, live.snapshot);

export const usePhone = ({ phone }: Workplace): AgentPhoneSnapshot =>
  useSyncExternalStore(phone.subscribe, phone.snapshot);

const deaf = (): (() => void) => () => undefined;
const nothing = (): null => null;

/** The call that this page is coming back to; null where it is not. */
export const useReturning = ({ comeBack }: Workplace): Returning | null =>
  useSyncExternalStore<Returning | null>(comeBack?.subscribe ?? deaf, comeBack?.snapshot ?? nothing);

/** What the desk says; null where there is none for this person. */
export const useDesk = (place: Workplace | null): DeskSnapshot | null =>
  useSyncExternalStore<DeskSnapshot | null>(place?.desk?.subscribe ?? deaf, place?.desk?.snapshot ?? nothing);
