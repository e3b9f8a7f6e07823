import type { ReactNode } from "react";

interface FactProps {
  readonly name: string;
  readonly children: ReactNode;
  readonly testId?: string;
}

/** A name and what belongs to it, in the list of facts at the head of a call. */
export function Fact({ name, children, testId }: FactProps) {
  return (
    <div data-testid={testId}>
      <dt>{name}</dt>
      <dd>{children}</dd>
    </div>
  );
}
