import { useState } from "react";
import { LevelMeter } from "../call/LevelMeter";
import { useText } from "../i18n/text";
import { EarIcon, ReturnIcon } from "../ui/icons";
import { clock } from "../ui/time";
import { useTick } from "../ui/useTick";
import { failBridge } from "../wire/desk";
import type { CallingBack } from "./callingBack";

/** The caller's telephone rings; until they answer there is nobody to talk to, but something to hear. */
export function CallingBackCard({ calling, caller }: { readonly calling: CallingBack; readonly caller: string }) {
  const { t } = useText();
  const { call, attempt, since, heard } = calling;
  const [leaving, setLeaving] = useState(false);
  const now = useTick(500, true);
  const giveBack = async (): Promise<void> => {
    setLeaving(true);
    // Where it is too late, they have answered or nobody rings any more: either way the desk says so.
    await failBridge(call).catch(() => undefined);
  };
  return (
    <section className="desk-card calling-back" aria-labelledby="calling-back-title" data-testid="calling-back" data-call={call}>
      <div className="offer-head">
        <h2 id="calling-back-title" role="status">
          {t.offer.callingBack}
        </h2>
        <p className="figures calling-back-time" aria-hidden="true">
          {clock(now - since)}
        </p>
      </div>
      <p className="offer-caller">{caller}</p>
      <p className="soft">
        {attempt > 1 ? `${t.offer.callingBackAttempt(attempt)} ` : ""}
        {t.offer.callingBackHint}
      </p>
      {heard === null ? null : (
        <div className="calling-back-heard" data-testid="calling-back-heard">
          <EarIcon />
          <div>
            <p>{t.offer.callingBackHeard}</p>
            <LevelMeter key={heard.id} stream={heard} label={t.offer.callingBackLevel} testId="calling-back-level" />
          </div>
        </div>
      )}
      <button
        type="button"
        className="button wide"
        disabled={leaving}
        onClick={() => void giveBack()}
        data-testid="calling-back-leave"
      >
        <ReturnIcon />
        {t.offer.callBackLater}
      </button>
    </section>
  );
}
