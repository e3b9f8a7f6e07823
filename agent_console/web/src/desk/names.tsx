/** What people call queues and skills; the names of the desk's file where nobody has told. */

import { createContext, use, useEffect, useState } from "react";
import { useText } from "../i18n/text";
import { fetchNames, type DeskNames } from "../wire/desk";

/** The desk's file may change while somebody is signed in. */
const EVERY_MS = 120_000;

const UNNAMED: DeskNames = { default_queue: "", queues: {}, skills: {} };

export const NamesContext = createContext<DeskNames>(UNNAMED);

/** The names, asked for as long as somebody is signed in. */
export function useFetchedNames(): DeskNames {
  const [names, setNames] = useState(UNNAMED);
  useEffect(() => {
    let stale = false;
    const ask = (): void => {
      // Without an answer ids are shown, and the next round asks again.
      fetchNames().then((found) => (stale ? undefined : setNames(found)), () => undefined);
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
}

/** Names in the person's language. */
export function useNames(): Names {
  const { t, pick } = useText();
  const names = use(NamesContext);
  return {
    queue: (id) => {
      const title = names.queues[id ?? names.default_queue];
      return title === undefined ? (id ?? t.judgement.defaultQueue) : pick(title);
    },
    skill: (id) => {
      const title = names.skills[id];
      return title === undefined ? id : pick(title);
    },
  };
}
