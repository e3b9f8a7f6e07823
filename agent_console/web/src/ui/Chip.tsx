/** Small labels that carry a state; the words tell it, the colour only repeats it. */

import type { ReactNode } from "react";
import { useText } from "../i18n/text";
import type { Level, Target } from "../wire/events";

interface ChipProps {
  readonly kind: string;
  readonly children: ReactNode;
  readonly title?: string | undefined;
  readonly testId?: string | undefined;
}

export function Chip({ kind, children, title, testId }: ChipProps) {
  return (
    <span className={`chip chip-${kind}`} title={title} data-testid={testId}>
      {children}
    </span>
  );
}

export function LevelChip({ level }: { readonly level: Level }) {
  const { t } = useText();
  return <Chip kind={level}>{t.words.level[level]}</Chip>;
}

export function RouteChip({ target }: { readonly target: Target }) {
  const { t } = useText();
  return <Chip kind={target}>{target === "ai" ? t.call.ai : t.call.human}</Chip>;
}
