import { useState } from "react";
import { go } from "../app/router";
import { useText } from "../i18n/text";
import { EarIcon } from "../ui/icons";
import type { LegMode } from "../wire/desk";
import type { CallView } from "../wire/state";
import { Meters } from "./PhoneCard";
import { PhoneTrouble, Refusal } from "./PhoneTrouble";
import { ReasonDialog } from "./ReasonDialog";
import { useMaybeWorkplace, usePhone, type Workplace } from "./workplace";

const MODES = ["listen", "whisper", "barge"] as const;

/** For supervisors, on a live call: listen, whisper to the agent, speak to both, or take the call over. */
export function Supervise({ view }: { readonly view: CallView }) {
  const place = useMaybeWorkplace();
  if (place?.supervises !== true || view.ended !== null) return null;
  return <Panel place={place} view={view} />;
}

function Panel({ place, view }: { readonly place: Workplace; readonly view: CallView }) {
  const { t } = useText();
  const snapshot = usePhone(place);
  const [asking, setAsking] = useState(false);
  const { phone } = place;
  const here = snapshot.call === view.call && phone.busy;
  const mode = here ? snapshot.mode : null;
  const elsewhere = phone.busy && !here;
  const locked = elsewhere || snapshot.doing !== null || (here && snapshot.state !== "connected");
  const take = (next: LegMode): void => {
    if (here) void phone.change(next);
    else void phone.join(view.call, next);
  };
  const troubled = snapshot.call === view.call;
  // Who has taken a call over serves it at the desk; there, too, is who is consulted.
  if (mode === "serve" || mode === "consult") return null;
  return (
    <div className="supervise" role="group" aria-label={t.supervise.title} data-testid="supervise" data-mode={mode ?? ""} data-state={here ? snapshot.state : ""}>
      <EarIcon />
      <span className="supervise-title">{t.supervise.title}</span>
      <div className="supervise-modes">
        {MODES.map((one) => (
          <button
            key={one}
            type="button"
            className="supervise-mode"
            aria-pressed={mode === one}
            disabled={locked}
            title={t.supervise.hint[one]}
            onClick={() => take(one)}
            data-testid={`supervise-${one}`}
          >
            {t.supervise[one]}
          </button>
        ))}
      </div>
      <button
        type="button"
        className="button small"
        disabled={locked || !here}
        title={t.supervise.hint.takeOver}
        onClick={() => setAsking(true)}
        data-testid="supervise-take-over"
      >
        {t.supervise.takeOver}
      </button>
      {here ? (
        <button type="button" className="button small" onClick={() => void phone.leave()} data-testid="supervise-leave">
          {t.supervise.leave}
        </button>
      ) : null}
      <p className="supervise-now" role="status">
        {here && snapshot.state !== "connected"
          ? t.line.state[snapshot.state]
          : mode === null
            ? ""
            : t.supervise.hint[mode]}
      </p>
      {here ? <Meters own={snapshot.own} remote={snapshot.remote} /> : null}
      {troubled && snapshot.error !== null ? <PhoneTrouble error={snapshot.error} /> : null}
      {troubled && snapshot.problem !== null ? <Refusal code={snapshot.problem.code} /> : null}
      {asking ? (
        <ReasonDialog
          title={t.supervise.reasonTitle}
          lead={t.supervise.reasonLead}
          confirm={t.supervise.confirm}
          onClose={() => setAsking(false)}
          onConfirm={(why) => {
            setAsking(false);
            void phone.change("serve", why).then((taken) => (taken ? go("/desk") : undefined));
          }}
        />
      ) : null}
    </div>
  );
}
