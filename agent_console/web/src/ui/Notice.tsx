/** What stands where there is nothing to show: what is the case, and what to do. */

import type { ReactNode } from "react";

interface NoticeProps {
  readonly title: string;
  readonly children?: ReactNode;
  readonly action?: ReactNode;
}

export function Notice({ title, children, action }: NoticeProps) {
  return (
    <div className="notice">
      <p className="notice-title">{title}</p>
      {children === undefined ? null : <p className="notice-text">{children}</p>}
      {action}
    </div>
  );
}
