/** Between accepting a callback and its answer: the caller's telephone rings, and their new call will be mine. */

import { useCallback, useEffect, useRef, useState } from "react";
import type { Desk } from "./desk";

/** Looks at the desk without a trace of the callback, after which it is over. */
const MOST_LOOKS = 5;
const LOOK_EVERY_MS = 1_000;

export interface Calling {
  /** The call that asked to be called back. */
  readonly call: string;
  /** What was mine before. */
  readonly before: readonly string[];
  /** Whether the desk has said that the callback is mine. */
  readonly seen: boolean;
  readonly looks: number;
}

export type Found =
  | { readonly state: "rings"; readonly calling: Calling }
  | { readonly state: "answered"; readonly call: string }
  | { readonly state: "over" };

export const beginCalling = (call: string, before: readonly string[]): Calling => ({ call, before, seen: false, looks: 0 });

/** What my calls say about a callback: it rings, somebody answered by a call of its own, or it came to nothing. */
export function lookFor(calling: Calling, calls: readonly string[]): Found {
  if (calls.includes(calling.call)) return { state: "rings", calling: { ...calling, seen: true } };
  const answered = calls.find((one) => !calling.before.includes(one));
  if (answered !== undefined) return { state: "answered", call: answered };
  // The desk may not have been asked since it was accepted.
  const looks = calling.looks + 1;
  return calling.seen || looks >= MOST_LOOKS ? { state: "over" } : { state: "rings", calling: { ...calling, looks } };
}

/** The callback that rings, and how one begins; `join` is told the call of who answers. */
export function useCallingBack(
  desk: Desk | null,
  join: (call: string) => Promise<void>,
): readonly [string | null, (call: string) => void] {
  const [shown, setShown] = useState<string | null>(null);
  const current = useRef<Calling | null>(null);
  const begin = useCallback(
    (call: string) => {
      current.current = beginCalling(call, desk?.snapshot().agent?.calls ?? []);
      setShown(call);
    },
    [desk],
  );
  useEffect(() => {
    if (desk === null || shown === null) return;
    const look = async (): Promise<void> => {
      await desk.refresh();
      const calling = current.current;
      const { agent, doing } = desk.snapshot();
      if (calling === null || doing !== null) return;
      const found = lookFor(calling, agent?.calls ?? []);
      current.current = found.state === "rings" ? found.calling : null;
      if (found.state === "rings") return;
      setShown(null);
      if (found.state === "answered") await join(found.call);
    };
    const timer = setInterval(() => void look(), LOOK_EVERY_MS);
    return () => clearInterval(timer);
  }, [desk, shown, join]);
  return [shown, begin];
}
