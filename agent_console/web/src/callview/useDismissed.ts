import { useCallback, useState } from "react";

const key = (call: string): string => `warmline.dismissed.${call}`;

function stored(call: string): ReadonlySet<number> {
  try {
    const found: unknown = JSON.parse(sessionStorage.getItem(key(call)) ?? "[]");
    return new Set(Array.isArray(found) ? found.filter((one) => typeof one === "number") : []);
  } catch {
    return new Set();
  }
}

/** The hints of a call that the person has put away, by `seq`; they stay away while the tab lives. */
export function useDismissed(call: string): readonly [ReadonlySet<number>, (seq: number) => void] {
  const [dismissed, setDismissed] = useState(() => stored(call));
  const dismiss = useCallback(
    (seq: number) => {
      setDismissed((before) => {
        const after = new Set(before).add(seq);
        sessionStorage.setItem(key(call), JSON.stringify([...after]));
        return after;
      });
    },
    [call],
  );
  return [dismissed, dismiss];
}
