/** What remains when rendering itself breaks: a way to go on. */

import { Component, type ReactNode } from "react";
import { useText } from "../i18n/text";
import { Notice } from "../ui/Notice";

interface Props {
  readonly children: ReactNode;
}

export class Fallback extends Component<Props, { broken: boolean }> {
  override state = { broken: false };

  static getDerivedStateFromError(): { broken: boolean } {
    return { broken: true };
  }

  override render(): ReactNode {
    return this.state.broken ? <Broken /> : this.props.children;
  }
}

function Broken() {
  const { t } = useText();
  return (
    <main id="main" className="page">
      <Notice
        title={t.app.crashed}
        action={
          <button type="button" className="button" onClick={() => window.location.reload()}>
            {t.app.reload}
          </button>
        }
      >
        {t.app.crashedHint}
      </Notice>
    </main>
  );
}
