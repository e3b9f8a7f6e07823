/** Light or dark: the system's choice until the person makes one, which is remembered. */

import { useSyncExternalStore } from "react";

export type Theme = "light" | "dark";

const STORED_AS = "warmline.theme";
const CHANGED = "warmline:theme";
const system = window.matchMedia("(prefers-color-scheme: dark)");

function current(): Theme {
  const chosen = document.documentElement.dataset.theme;
  if (chosen === "light" || chosen === "dark") return chosen;
  return system.matches ? "dark" : "light";
}

/** Put the remembered choice in force; to be called before the first paint. */
export function restoreTheme(): void {
  const stored = localStorage.getItem(STORED_AS);
  if (stored === "light" || stored === "dark") document.documentElement.dataset.theme = stored;
}

export function chooseTheme(theme: Theme): void {
  localStorage.setItem(STORED_AS, theme);
  document.documentElement.dataset.theme = theme;
  window.dispatchEvent(new Event(CHANGED));
}

function subscribe(listener: () => void): () => void {
  system.addEventListener("change", listener);
  window.addEventListener(CHANGED, listener);
  return () => {
    system.removeEventListener("change", listener);
    window.removeEventListener(CHANGED, listener);
  };
}

export const useTheme = (): Theme => useSyncExternalStore(subscribe, current);
