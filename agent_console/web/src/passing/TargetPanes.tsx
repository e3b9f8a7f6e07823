/** To whom a caller can be passed on: colleagues, queues, people outside. */

import { useId, useState, type SyntheticEvent } from "react";
import { useNames } from "../desk/names";
import { useText } from "../i18n/text";
import { ConsultIcon, TransferIcon } from "../ui/icons";
import type { DeskAgent, DeskQueue, Outside } from "../wire/desk";
import type { TransferTarget } from "../wire/events";
import { readAddress } from "./address";
import { colleagues, isFree, nameOf } from "./colleagues";

export interface Choice {
  readonly act: "consult" | "transfer";
  readonly target: TransferTarget;
}

interface PaneProps {
  readonly locked: boolean;
  readonly onChoose: (choice: Choice) => void;
}

/** From here on there are enough of them to look for one by typing. */
const MANY = 6;

export function ColleaguePane({
  agents,
  me,
  locked,
  onChoose,
}: PaneProps & { readonly agents: readonly DeskAgent[]; readonly me: string }) {
  const { t } = useText();
  const names = useNames();
  const [wanted, setWanted] = useState("");
  const all = colleagues(agents, me, "", names.skill);
  const shown = colleagues(agents, me, wanted, names.skill);
  if (all.length === 0) return <p className="soft pass-none">{t.passing.noColleagues}</p>;
  return (
    <>
      {all.length < MANY ? null : (
        <label className="field">
          <span>{t.passing.search}</span>
          <input type="search" value={wanted} onChange={(event) => setWanted(event.target.value)} data-testid="pass-search" />
        </label>
      )}
      {shown.length === 0 ? <p className="soft pass-none">{t.passing.nothingFound}</p> : null}
      <ul className="pass-list">
        {shown.map((one) => (
          <Colleague key={one.agent} one={one} locked={locked} onChoose={onChoose} />
        ))}
      </ul>
    </>
  );
}

function Colleague({ one, locked, onChoose }: PaneProps & { readonly one: DeskAgent }) {
  const { t } = useText();
  const names = useNames();
  const free = isFree(one);
  const who = nameOf(one);
  const target = { kind: "agent", address: one.agent } as const;
  const skills = Object.entries(one.skills).map(([skill, level]) => t.passing.skill(names.skill(skill), level));
  const spoken = one.languages.map((language) => t.passing.language[language] ?? language);
  return (
    <li className={free ? "" : "not-free"} data-testid="pass-agent" data-agent={one.agent} data-free={free}>
      <div className={`pass-who presence-${one.presence}`}>
        <p>
          <span className="presence-dot" aria-hidden="true" />
          <strong>{who}</strong>
          {who === one.agent ? null : <span className="soft">{one.agent}</span>}
          <span className="pass-presence">
            {one.reservation === null ? t.presence.is[one.presence] : t.passing.asking}
          </span>
        </p>
        <p className="soft pass-skills">
          {[spoken.join(" / "), skills.length === 0 ? t.passing.noSkills : skills.join(t.passing.comma)].join(" · ")}
        </p>
      </div>
      <button
        type="button"
        className="button small"
        disabled={locked || !free}
        title={t.passing.consultHint}
        aria-label={t.passing.consultLabel(who)}
        onClick={() => onChoose({ act: "consult", target })}
        data-testid="pass-consult"
      >
        <ConsultIcon />
        {t.passing.consult}
      </button>
      <button
        type="button"
        className="button small"
        disabled={locked || !free}
        title={t.passing.transferHint}
        aria-label={t.passing.transferLabel(who)}
        onClick={() => onChoose({ act: "transfer", target })}
        data-testid="pass-transfer"
      >
        <TransferIcon />
        {t.passing.transfer}
      </button>
    </li>
  );
}

export function QueuePane({ queues, locked, onChoose }: PaneProps & { readonly queues: readonly DeskQueue[] }) {
  const { t, pick } = useText();
  return (
    <ul className="pass-list">
      {queues.map((one) => {
        const title = pick(one.title);
        const wait = one.expected_wait_s;
        return (
          <li key={one.queue} className={one.open ? "" : "not-free"} data-testid="pass-queue" data-queue={one.queue}>
            <div className="pass-who">
              <p>
                <strong>{title}</strong>
              </p>
              <p className={one.open && wait === null ? "pass-skills pass-warn" : "soft pass-skills"}>
                {!one.open
                  ? t.passing.queueClosed
                  : wait === null
                    ? t.passing.queueUnstaffed
                    : [t.passing.queueWaiting(one.waiting), t.passing.queueWait(Math.ceil(wait / 60))].join(" · ")}
              </p>
            </div>
            <button
              type="button"
              className="button small"
              disabled={locked || !one.open}
              title={t.passing.transferHint}
              aria-label={t.passing.queueLabel(title)}
              onClick={() => onChoose({ act: "transfer", target: { kind: "queue", address: one.queue } })}
              data-testid="pass-transfer"
            >
              <TransferIcon />
              {t.passing.toQueue}
            </button>
          </li>
        );
      })}
    </ul>
  );
}

export function OutsidePane({ outside, locked, onChoose }: PaneProps & { readonly outside: Outside }) {
  const { t } = useText();
  const [typed, setTyped] = useState("");
  const [told, setTold] = useState(false);
  const note = useId();
  const read = readAddress(typed, outside);
  const wrong = told && !read.ok;
  const allowed = [...outside.prefixes.map(t.passing.addressPrefix), ...outside.domains.map(t.passing.addressDomain)];
  const choose = (act: Choice["act"]): void => {
    if (read.ok) onChoose({ act, target: { kind: "uri", address: read.uri } });
    else setTold(true);
  };
  const submit = (event: SyntheticEvent): void => {
    event.preventDefault();
    choose("consult");
  };
  return (
    <form className="pass-outside" onSubmit={submit} noValidate>
      <label className="field">
        <span>{t.passing.address}</span>
        <input
          type="text"
          inputMode="email"
          autoComplete="off"
          spellCheck={false}
          maxLength={190}
          value={typed}
          aria-invalid={wrong}
          aria-describedby={note}
          onChange={(event) => setTyped(event.target.value)}
          onBlur={() => setTold(typed.trim() !== "")}
          data-testid="pass-address"
        />
      </label>
      <div id={note}>
        <p className="pass-wrong" role="alert" data-testid="pass-address-wrong">
          {wrong ? t.passing.addressWhy[read.why] : ""}
        </p>
        <p className="soft">{`${t.passing.addressAllowed} ${allowed.join(t.passing.comma)}`}</p>
      </div>
      <div className="pass-acts">
        <button type="submit" className="button" disabled={locked} title={t.passing.consultHint} data-testid="pass-consult">
          <ConsultIcon />
          {t.passing.consult}
        </button>
        <button
          type="button"
          className="button"
          disabled={locked}
          title={t.passing.transferHint}
          onClick={() => choose("transfer")}
          data-testid="pass-transfer"
        >
          <TransferIcon />
          {t.passing.transfer}
        </button>
      </div>
    </form>
  );
}
