import type { PhoneError } from "../call/microphone";
import { useText } from "../i18n/text";
import { WarningIcon } from "../ui/icons";

/** What keeps the audio from working, and what to do about it. */
export function PhoneTrouble({ error }: { readonly error: PhoneError }) {
  const { t } = useText();
  const { what, todo } = t.phoneError[error.problem];
  return (
    <div className="desk-trouble" role="alert" data-testid="phone-error" data-problem={error.problem}>
      <WarningIcon />
      <div>
        <p className="desk-trouble-what">{what}</p>
        <p>{error.retryAfterS === null ? todo : t.phone.retryIn(error.retryAfterS)}</p>
        {error.problem === "rejected" && error.code !== "" ? <p>{t.phone.code(error.code)}</p> : null}
      </div>
    </div>
  );
}

/** Why something was not done. */
export function Refusal({ code }: { readonly code: string }) {
  const { t } = useText();
  return (
    <p className="desk-refusal" role="alert" data-testid="refusal" data-code={code}>
      <WarningIcon />
      {t.passing.refused[code] ?? t.line.failed(code)}
    </p>
  );
}
