/** Where something new is told to whoever serves: it takes no focus, is announced once, and stays until it is put away. */

import type { ReactNode } from "react";
import { CloseIcon } from "../ui/icons";

interface ShelfProps {
  readonly kind: "advice" | "dock";
  readonly label: string;
  /** What is announced to who cannot see it; empty for nothing new. */
  readonly announced: string;
  readonly children: ReactNode;
  readonly testId: string;
  readonly announcerTestId: string;
}

export function Shelf({ kind, label, announced, children, testId, announcerTestId }: ShelfProps) {
  return (
    <section className={kind} aria-label={label} data-testid={testId}>
      {children}
      <p className="visually-hidden" aria-live="polite" data-testid={announcerTestId}>
        {announced}
      </p>
    </section>
  );
}

interface PutAwayProps {
  readonly label: string;
  readonly className?: string;
  readonly onPress: () => void;
  readonly testId: string;
}

export function PutAway({ label, className = "", onPress, testId }: PutAwayProps) {
  return (
    <button
      type="button"
      className={`button quiet square small ${className}`}
      aria-label={label}
      title={label}
      onClick={onPress}
      data-testid={testId}
    >
      <CloseIcon />
    </button>
  );
}
