/** What people call queues, skills and colleagues; the names of the desk's file where nobody has told. */

import { createContext, use, useEffect, useState } from "react";
import { useText } from "../i18n/text";
import { nameOf } from "../passing/colleagues";
import { showAddress } from "../passing/address";
import { fetchAgents, fetchNames, type DeskNames } from "../wire/desk";
import type { TransferTarget } from "../wire/events";

/** The desk's file may change while somebody is signed in, and colleagues come. */
const EVERY_MS = 30_000;

/** With what colleagues are called, by account. */
export type AllNames = DeskNames & { readonly agents: Readonly<Record<string, string | undefined>> };

const UNNAMED: AllNames = { default_queue: "", queues: {}, skills: {}, agents: {} };

export const NamesContext = createContext<AllNames>(UNNAMED);

/** The names, asked for as long as somebody is signed in. */
export function useFetchedNames(): AllNames {
  const [names, setNames] = useState(UNNAMED);
  useEffect(() => {
    let stale = false;
    const ask = (): void => {
      // Without an answer ids are shown, and the next round asks again.
      Promise.all([fetchNames(), fetchAgents()]).then(
        ([found, agents]) => {
          if (!stale) setNames({ ...found, agents: Object.fromEntries(agents.map((one) => [one.agent, nameOf(one)])) });
        },
        () => undefined,
      );
    };
    ask();
    const timer = setInterval(ask, EVERY_MS);
    return () => {
      stale = true;
      clearInterval(timer);
    };
  }, []);
  return names;
}

export interface Names {
  /** The title of a queue; null is the desk's default one. */
  readonly queue: (id: string | null) => string;
  readonly skill: (id: string) => string;
  readonly agent: (account: string) => string;
  /** Whom a caller is passed on to, or who is consulted. */
  readonly target: (target: TransferTarget) => string;
}

/** Names in the person's language. */
export function useNames(): Names {
  const { t, pick } = useText();
  const names = use(NamesContext);
  const queue = (id: string | null): string => {
    const title = names.queues[id ?? names.default_queue];
    return title === undefined ? (id ?? t.judgement.defaultQueue) : pick(title);
  };
  const agent = (account: string): string => names.agents[account] ?? account;
  return {
    queue,
    agent,
    target: ({ kind, address }) =>
      kind === "agent" ? agent(address) : kind === "queue" ? queue(address) : showAddress(address),
    skill: (id) => {
      const title = names.skills[id];
      return title === undefined ? id : pick(title);
    },
  };
}
