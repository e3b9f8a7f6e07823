import { useEffect, useId, useRef, useState, type ReactNode, type SyntheticEvent } from "react";
import { useText } from "../i18n/text";
import { OVERRIDE_REASONS, type Override, type OverrideReason } from "../wire/desk";

interface ReasonDialogProps {
  readonly title: string;
  readonly lead: string;
  readonly confirm: string;
  /** Further fields, above the reason. */
  readonly children?: ReactNode;
  readonly onConfirm: (why: Override) => void;
  readonly onClose: () => void;
}

/** Asks why a person decides otherwise than was advised; the note is needed where the reason is Other. */
export function ReasonDialog({ title, lead, confirm, children, onConfirm, onClose }: ReasonDialogProps) {
  const { t } = useText();
  const dialog = useRef<HTMLDialogElement>(null);
  const [reason, setReason] = useState<OverrideReason>("customer_request");
  const [note, setNote] = useState("");
  const heading = useId();
  useEffect(() => {
    const shown = dialog.current;
    shown?.showModal();
    return () => shown?.close();
  }, []);
  const submit = (event: SyntheticEvent): void => {
    event.preventDefault();
    onConfirm({ reason, ...(note.trim() === "" ? {} : { note: note.trim() }) });
  };
  return (
    <dialog ref={dialog} className="reason" aria-labelledby={heading} onClose={onClose} data-testid="reason-dialog">
      <form onSubmit={submit}>
        <h2 id={heading}>{title}</h2>
        <p className="soft">{lead}</p>
        {children}
        <label className="field">
          <span>{t.override.reason}</span>
          <select
            value={reason}
            onChange={(event) => setReason(event.target.value as OverrideReason)}
            data-testid="reason-select"
          >
            {OVERRIDE_REASONS.map((one) => (
              <option key={one} value={one}>
                {t.override.reasons[one]}
              </option>
            ))}
          </select>
        </label>
        <label className="field">
          <span>
            {t.override.note} <span className="soft">({t.override.noteNeeded})</span>
          </span>
          <textarea
            rows={3}
            maxLength={500}
            required={reason === "other"}
            value={note}
            onChange={(event) => setNote(event.target.value)}
            data-testid="reason-note"
          />
        </label>
        <div className="reason-end">
          <button type="button" className="button" onClick={() => dialog.current?.close()}>
            {t.override.cancel}
          </button>
          <button type="submit" className="button primary" data-testid="reason-confirm">
            {confirm}
          </button>
        </div>
      </form>
    </dialog>
  );
}
