/** Where the person is: path and query, kept in the browser's history. */

import { useSyncExternalStore, type MouseEvent, type ReactNode } from "react";

const MOVED = "warmline:moved";

function subscribe(listener: () => void): () => void {
  window.addEventListener("popstate", listener);
  window.addEventListener(MOVED, listener);
  return () => {
    window.removeEventListener("popstate", listener);
    window.removeEventListener(MOVED, listener);
  };
}

const address = (): string => window.location.pathname + window.location.search;

/** The current address, as a URL. */
export function useAddress(): URL {
  return new URL(useSyncExternalStore(subscribe, address), window.location.origin);
}

/** Go to an address of this app. */
export function go(to: string, { replace = false } = {}): void {
  if (replace) window.history.replaceState(null, "", to);
  else window.history.pushState(null, "", to);
  window.dispatchEvent(new Event(MOVED));
}

interface LinkProps {
  readonly to: string;
  readonly children: ReactNode;
  readonly className?: string | undefined;
  readonly current?: boolean | undefined;
  readonly label?: string | undefined;
  readonly testId?: string | undefined;
}

/** A link within the app; with a modifier key it stays an ordinary link. */
export function NavLink({ to, children, className, current, label, testId }: LinkProps) {
  const follow = (event: MouseEvent): void => {
    if (event.button !== 0 || event.metaKey || event.ctrlKey || event.shiftKey || event.altKey) return;
    event.preventDefault();
    go(to);
  };
  return (
    <a
      href={to}
      className={className}
      aria-current={current === true ? "page" : undefined}
      aria-label={label}
      data-testid={testId}
      onClick={follow}
    >
      {children}
    </a>
  );
}
