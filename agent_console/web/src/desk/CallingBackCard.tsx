import { useState } from "react";
import { useText } from "../i18n/text";
import { CloseIcon } from "../ui/icons";
import { failBridge } from "../wire/desk";

/** The caller's telephone rings; until they answer there is nobody to talk to. */
export function CallingBackCard({ call, caller }: { readonly call: string; readonly caller: string }) {
  const { t } = useText();
  const [leaving, setLeaving] = useState(false);
  const giveBack = async (): Promise<void> => {
    setLeaving(true);
    // Where it is too late, they have answered or nobody rings any more: either way the desk says so.
    await failBridge(call).catch(() => undefined);
  };
  return (
    <section className="desk-card" data-testid="calling-back" data-call={call} role="status">
      <h2>{t.offer.callingBack}</h2>
      <p className="offer-caller">{caller}</p>
      <p className="soft">{t.offer.callingBackHint}</p>
      <button
        type="button"
        className="button wide"
        disabled={leaving}
        onClick={() => void giveBack()}
        data-testid="calling-back-leave"
      >
        <CloseIcon />
        {t.offer.callBackLater}
      </button>
    </section>
  );
}
