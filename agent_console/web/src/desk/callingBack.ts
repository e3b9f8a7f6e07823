/** Between accepting a callback and its answer: the caller's telephone rings, and their new call will be mine. */

import { useCallback, useEffect, useMemo, useRef, useState } from "react";
import { Line, type LineSnapshot } from "../call/line";
import { fetchAllEvents } from "../wire/api";
import { joinCall } from "../wire/desk";
import type { TransferFailure, WireEvent } from "../wire/events";
import type { Desk } from "./desk";

/** Looks at the desk without a trace of the callback, after which it is over. */
const MOST_LOOKS = 5;
const LOOK_EVERY_MS = 1_000;

/** How often a line is opened to hear how it rings; whoever cannot hear it can still be connected. */
const MOST_LINES = 5;

/** For how long it is said why nobody was reached. */
const NEWS_MS = 12_000;

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

/** Why nobody was reached, and whether they are called again. */
export interface Missed {
  readonly code: TransferFailure;
  readonly givenUp: boolean;
}

/** What the log of the call that asked says of the last attempt; null where it was no failure, or my own wish. */
export function missedIn(events: readonly WireEvent[]): Missed | "unwritten" | null {
  const last = events.findLast(({ type }) => type.startsWith("callback."));
  if (last?.type === "callback.dialled") return "unwritten";
  if (last?.type !== "callback.failed" || last.code === "withdrawn") return null;
  return { code: last.code, givenUp: last.given_up };
}

/** Why nobody was reached; null where that is nobody's news, or not known. The log follows a moment behind the desk. */
async function askWhy(call: string): Promise<Missed | null> {
  for (let looks = 0; looks < MOST_LOOKS; looks += 1) {
    const found = missedIn(await fetchAllEvents(call, -1).catch(() => []));
    if (found !== "unwritten") return found;
    await new Promise((resolve) => setTimeout(resolve, LOOK_EVERY_MS));
  }
  return null;
}

/** A caller who is called back at this moment. */
export interface CallingBack {
  /** The call that asked for it. */
  readonly call: string;
  /** Which attempt this is, from 1. */
  readonly attempt: number;
  /** When it was accepted, in milliseconds of the page's steady clock. */
  readonly since: number;
  /** What the network plays meanwhile; null where nothing is heard of it. */
  readonly heard: MediaStream | null;
}

export interface Callbacks {
  /** Null where nobody is called back. */
  readonly current: CallingBack | null;
  /** What became of the one before, for as long as it is news. */
  readonly missed: Missed | null;
  readonly begin: (call: string, attempts: number) => void;
}

/** The callback that rings and what is heard of it, and how one begins; `join` is told the call of who answers. */
export function useCallingBack(desk: Desk | null, join: (call: string) => Promise<void>): Callbacks {
  const [shown, setShown] = useState<Omit<CallingBack, "heard"> | null>(null);
  const [missed, setMissed] = useState<Missed | null>(null);
  const [sound, setSound] = useState<LineSnapshot | null>(null);
  const [line] = useState(() => new Line(setSound));
  const current = useRef<Calling | null>(null);
  const begin = useCallback(
    (call: string, attempts: number) => {
      current.current = beginCalling(call, desk?.snapshot().agent?.calls ?? []);
      setMissed(null);
      setShown({ call, attempt: attempts + 1, since: performance.now() });
    },
    [desk],
  );
  // The server closes the line as soon as it rings no more: reason enough to ask at once what became of it.
  const isCut = shown !== null && sound?.state === "ended";
  useEffect(() => {
    if (desk === null || shown === null) return;
    let lines = 0;
    const listen = (): void => {
      if (line.busy || lines >= MOST_LINES) return;
      lines += 1;
      void line.open(async (sdp) => ({ sdp: await joinCall(shown.call, sdp, "serve") }), { speaks: false });
    };
    const look = async (): Promise<void> => {
      await desk.refresh();
      const calling = current.current;
      const { agent, doing } = desk.snapshot();
      if (calling === null || doing !== null) return;
      const found = lookFor(calling, agent?.calls ?? []);
      current.current = found.state === "rings" ? found.calling : null;
      if (found.state === "rings") {
        listen();
        return;
      }
      setShown(null);
      if (found.state === "answered") await join(found.call);
      else setMissed(await askWhy(calling.call));
    };
    if (isCut) void look();
    else listen();
    const timer = setInterval(() => void look(), LOOK_EVERY_MS);
    return () => {
      clearInterval(timer);
      line.close();
    };
  }, [desk, shown, isCut, join, line]);
  useEffect(() => {
    if (missed === null) return;
    const timer = setTimeout(() => setMissed(null), NEWS_MS);
    return () => clearTimeout(timer);
  }, [missed]);
  const heard = sound?.remote ?? null;
  return useMemo(
    () => ({ current: shown === null ? null : { ...shown, heard }, missed, begin }),
    [shown, heard, missed, begin],
  );
}
