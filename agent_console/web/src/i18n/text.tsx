/** The language of the interface: chosen by the person, remembered, written to the document. */

import { createContext, use, useCallback, useEffect, useMemo, useState, type ReactNode } from "react";
import type { Wording } from "../wire/events";
import { en } from "./en";
import { zh, type Dictionary } from "./zh";

export type Tongue = "zh-CN" | "en";

const STORED_AS = "warmline.language";
const dictionaries: Readonly<Record<Tongue, Dictionary>> = { "zh-CN": zh, en };

interface Speech {
  readonly t: Dictionary;
  readonly tongue: Tongue;
  readonly speak: (tongue: Tongue) => void;
  /** The right half of a text that has both languages. */
  readonly pick: (wording: Wording) => string;
}

const SpeechContext = createContext<Speech | null>(null);

/** What the person chose before, else what the browser asks for, else Chinese. */
function firstTongue(): Tongue {
  const stored = localStorage.getItem(STORED_AS);
  if (stored === "zh-CN" || stored === "en") return stored;
  return navigator.language.toLowerCase().startsWith("en") ? "en" : "zh-CN";
}

export function TextProvider({ children }: { readonly children: ReactNode }) {
  const [tongue, setTongue] = useState(firstTongue);
  useEffect(() => {
    document.documentElement.lang = tongue;
  }, [tongue]);
  const speak = useCallback((next: Tongue) => {
    localStorage.setItem(STORED_AS, next);
    setTongue(next);
  }, []);
  const value = useMemo<Speech>(
    () => ({
      t: dictionaries[tongue],
      tongue,
      speak,
      pick: (wording) => (tongue === "zh-CN" ? wording.zh : wording.en),
    }),
    [tongue, speak],
  );
  return <SpeechContext value={value}>{children}</SpeechContext>;
}

/** The texts in the person's language. */
export function useText(): Speech {
  const speech = use(SpeechContext);
  if (speech === null) throw new Error("useText stands inside TextProvider.");
  return speech;
}

/** The name of something that the server may extend; its own name where we have none. */
export function named(names: Readonly<Record<string, string>>, name: string): string {
  return names[name] ?? name;
}
