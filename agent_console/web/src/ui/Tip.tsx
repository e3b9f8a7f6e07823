/** An explanation behind a small button: on hover, on focus, on touch; Escape puts it away. */

import { useId, useState, type ReactNode } from "react";
import { InfoIcon } from "./icons";

interface TipProps {
  /** What the button is called where it has no face that says it. */
  readonly label?: string;
  readonly children: ReactNode;
  readonly testId?: string | undefined;
  /** What is pressed, where it is more than the sign of an explanation. */
  readonly face?: ReactNode;
}

export function Tip({ label, children, testId, face }: TipProps) {
  const [open, setOpen] = useState(false);
  const id = useId();
  return (
    // The pointer may move onto the text without its going away.
    <span className="tip" onPointerEnter={() => setOpen(true)} onPointerLeave={() => setOpen(false)}>
      <button
        type="button"
        className={face === undefined ? "tip-button" : "tip-face"}
        aria-label={label}
        aria-describedby={id}
        onFocus={() => setOpen(true)}
        onBlur={() => setOpen(false)}
        onClick={() => setOpen(true)}
        onKeyDown={(event) => {
          if (event.key === "Escape") setOpen(false);
        }}
        data-testid={testId}
      >
        {face ?? <InfoIcon />}
      </button>
      <span role="tooltip" id={id} className="tip-text" hidden={!open}>
        {children}
      </span>
    </span>
  );
}
