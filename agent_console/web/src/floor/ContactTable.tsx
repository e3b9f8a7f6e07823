import { useState } from "react";
import { NavLink } from "../app/router";
import { ReasonDialog } from "../desk/ReasonDialog";
import { useText } from "../i18n/text";
import { Chip } from "../ui/Chip";
import { clock } from "../ui/time";
import { TOP_PRIORITY, urgency } from "../ui/urgency";
import { overridePriority, type Contact, type DeskQueue } from "../wire/desk";
import { Problem } from "../wire/http";

interface ContactTableProps {
  readonly contacts: readonly Contact[];
  readonly queues: readonly DeskQueue[];
  readonly callerOf: (call: string) => string;
  readonly mayChange: boolean;
  readonly onChanged: () => void;
}

/** Who waits and who is served; whoever is served next comes first. */
export function ContactTable({ contacts, queues, callerOf, mayChange, onChanged }: ContactTableProps) {
  const { t, pick } = useText();
  const [changing, setChanging] = useState<Contact | null>(null);
  const [problem, setProblem] = useState<Problem | null>(null);
  const titleOf = (queue: string): string => {
    const found = queues.find((one) => one.queue === queue);
    return found === undefined ? queue : pick(found.title);
  };
  return (
    <div className="floor-part">
      <h2 id="floor-callers">{t.floor.callers}</h2>
      {problem === null ? null : (
        <p className="floor-stale" role="alert">
          {t.line.failed(problem.code)}
        </p>
      )}
      {contacts.length === 0 ? (
        <p className="soft">{t.floor.nobodyWaits}</p>
      ) : (
        <div className="table-box" role="region" aria-labelledby="floor-callers" tabIndex={0}>
          <table className="floor-table">
            <thead>
              <tr>
                <th scope="col">{t.floor.caller}</th>
                <th scope="col">{t.floor.queue}</th>
                <th scope="col">{t.floor.state}</th>
                <th scope="col" className="number">{t.floor.priority}</th>
                <th scope="col" className="number">{t.floor.waited}</th>
                <th scope="col" className="number">{t.floor.expected}</th>
                <th scope="col">{t.floor.agent}</th>
              </tr>
            </thead>
            <tbody>
              {contacts.map((one) => (
                <Row
                  key={one.call}
                  one={one}
                  caller={callerOf(one.call)}
                  queue={titleOf(one.queue)}
                  onChange={mayChange ? () => setChanging(one) : null}
                />
              ))}
            </tbody>
          </table>
        </div>
      )}
      {changing === null ? null : (
        <PriorityDialog
          contact={changing}
          caller={callerOf(changing.call)}
          onClose={() => setChanging(null)}
          onDone={(failed) => {
            setProblem(failed);
            onChanged();
          }}
        />
      )}
    </div>
  );
}

interface RowProps {
  readonly one: Contact;
  readonly caller: string;
  readonly queue: string;
  readonly onChange: (() => void) | null;
}

function Row({ one, caller, queue, onChange }: RowProps) {
  const { t } = useText();
  const waiting = one.state === "waiting";
  return (
    <tr data-testid="floor-contact" data-call={one.call} data-state={one.state}>
      <th scope="row">
        <NavLink to={`/?call=${encodeURIComponent(one.call)}`} label={t.floor.look(caller)}>
          {caller}
        </NavLink>
      </th>
      <td>{queue}</td>
      <td>
        <span className="floor-state">
          <Chip kind={waiting ? "settled" : one.state === "serving" ? "human" : "tense"}>{t.floor.contact[one.state]}</Chip>
          <span className="soft">
            {one.ahead === null ? "" : t.floor.ahead(one.ahead)}
            {one.with_ai && waiting ? ` · ${t.floor.withAi}` : ""}
            {one.callback ? ` · ${t.floor.callback}` : ""}
          </span>
        </span>
      </td>
      <td className="number figures">
        <span className={`floor-priority ${urgency(one.priority)}`}>{one.priority}</span>
        {onChange === null ? null : (
          <button
            type="button"
            className="button quiet small"
            aria-label={t.floor.changeOf(caller)}
            onClick={onChange}
            data-testid="floor-change"
          >
            {t.floor.change}
          </button>
        )}
      </td>
      <td className="number figures">{clock(1000 * one.waited_s)}</td>
      <td className="number figures">
        {one.expected_wait_s === null ? t.floor.none : clock(1000 * one.expected_wait_s)}
      </td>
      <td>{one.agent ?? t.floor.none}</td>
    </tr>
  );
}

interface PriorityDialogProps {
  readonly contact: Contact;
  readonly caller: string;
  readonly onClose: () => void;
  readonly onDone: (failed: Problem | null) => void;
}

function PriorityDialog({ contact, caller, onClose, onDone }: PriorityDialogProps) {
  const { t } = useText();
  const [priority, setPriority] = useState(String(contact.priority));
  return (
    <ReasonDialog
      title={t.override.title(caller)}
      lead={t.override.lead}
      confirm={t.override.save}
      onClose={onClose}
      onConfirm={(why) => {
        onClose();
        overridePriority(contact.call, Number(priority), why).then(
          () => onDone(null),
          (error: unknown) => onDone(error instanceof Problem ? error : new Problem(0, "console.failed", String(error))),
        );
      }}
    >
      <label className="field">
        <span>{t.override.priority}</span>
        <input
          type="number"
          min={0}
          max={TOP_PRIORITY}
          required
          value={priority}
          onChange={(event) => setPriority(event.target.value)}
          data-testid="priority-input"
        />
      </label>
    </ReasonDialog>
  );
}
