/** One decision: who serves, how urgently, why, from which words and facts, by which policy. */

import { useState } from "react";
import { useNames, type Names } from "../desk/names";
import { useText } from "../i18n/text";
import { Chip } from "../ui/Chip";
import { urgency } from "../ui/urgency";
import type { EventOf } from "../wire/events";
import type { CallView } from "../wire/state";
import { rulingsOf, type Judgement } from "./decisions";
import { Evidence } from "./Evidence";
import { factLines, type FactLine } from "./facts";

interface JudgementEntryProps {
  readonly entry: Judgement;
  readonly view: CallView;
  readonly onJump: (segment: number) => void;
}

export function JudgementEntry({ entry, view, onJump }: JudgementEntryProps) {
  const names = useNames();
  const { made, route } = entry;
  const version = made?.policy_version ?? route?.policy_version ?? entry.priority?.policy_version ?? "";
  return (
    <div className="judgement">
      <Verdict entry={entry} />
      {rulingsOf(entry).map((one) => (
        <Reason key={one.rule} one={one} view={view} onJump={onJump} />
      ))}
      {route?.target === "human" ? <Wanted route={route} names={names} /> : null}
      {made === null ? <p className="policy-version soft">{version}</p> : <Looked made={made} names={names} view={view} onJump={onJump} version={version} />}
    </div>
  );
}

function Verdict({ entry }: { readonly entry: Judgement }) {
  const { t } = useText();
  const { made, route, priority, before } = entry;
  const target = route?.target ?? made?.target ?? null;
  const named = target === null ? "" : t.judgement.targetOnly[target];
  if (route === null && priority === null && made !== null) {
    return <p className="decision-what quiet">{t.judgement.keeps(named, made.priority)}</p>;
  }
  const went = route !== null && route.target !== before;
  return (
    <p className="decision-what">
      {target === null || (route === null && made === null) ? null : (
        <span data-testid="decision-target" data-target={target}>
          {!went ? t.judgement.stays(named) : before === null ? t.judgement.begins(named) : t.judgement.goesTo(named)}
        </span>
      )}
      {priority === null ? (
        made === null ? null : (
          <Chip kind="plain" testId="decision-priority">
            {t.judgement.priority} {made.priority}
          </Chip>
        )
      ) : (
        <Chip kind={urgency(priority.current)} testId="decision-priority">
          {t.decisions.priority(priority.previous, priority.current)}
        </Chip>
      )}
    </p>
  );
}

interface ReasonProps {
  readonly one: ReturnType<typeof rulingsOf>[number];
  readonly view: CallView;
  readonly onJump: (segment: number) => void;
}

function Reason({ one, view, onJump }: ReasonProps) {
  const { pick } = useText();
  return (
    <p className="decision-why" data-testid="decision-reason" data-rule={one.rule}>
      <span>{pick(one.reason)}</span>
      <Evidence view={view} segments={one.evidence} onJump={onJump} />
    </p>
  );
}

/** Which people: the queue, and what they must be able to do. */
function Wanted({ route, names }: { readonly route: EventOf<"route.decided">; readonly names: Names }) {
  const { t } = useText();
  const skills = route.skills ?? [];
  return (
    <p className="decision-wanted">
      <span data-testid="decision-queue" data-queue={route.queue ?? ""}>
        <span className="soft">{t.judgement.queue}</span> {names.queue(route.queue ?? null)}
      </span>
      {skills.length === 0 ? null : (
        <span data-testid="decision-skills">
          <span className="soft">{t.judgement.skills}</span>{" "}
          {skills.map((one) => t.judgement.skill(names.skill(one.name), one.level)).join(t.words.and)}
        </span>
      )}
    </p>
  );
}

interface LookedProps {
  readonly made: EventOf<"decision.made">;
  readonly names: Names;
  readonly view: CallView;
  readonly onJump: (segment: number) => void;
  readonly version: string;
}

/** What the policy looked at, and what it tells people. */
function Looked({ made, names, view, onJump, version }: LookedProps) {
  const { t, pick } = useText();
  const [open, setOpen] = useState(false);
  const { deciding, others } = factLines(made, t, names.queue);
  const shown = deciding ?? [];
  return (
    <>
      {made.hints.length === 0 ? null : (
        <p className="decision-told" data-testid="decision-hints">
          <span className="soft">{t.judgement.hints}</span> {made.hints.map(pick).join(" ")}
        </p>
      )}
      {shown.length === 0 ? null : (
        <ul className="deciding" aria-label={t.judgement.deciding}>
          {shown.map((one) => (
            <li key={one.fact} data-testid="deciding-fact" data-fact={one.fact}>
              <span className="soft">{one.name}</span> {one.value}
            </li>
          ))}
        </ul>
      )}
      <details className="looked" open={open} onToggle={(event) => setOpen(event.currentTarget.open)}>
        <summary>
          {t.judgement.details} <span className="figures soft">{version}</span>
        </summary>
        {open ? <Details made={made} shown={shown} others={others} view={view} onJump={onJump} version={version} /> : null}
      </details>
    </>
  );
}

interface DetailsProps {
  readonly made: EventOf<"decision.made">;
  readonly shown: readonly FactLine[];
  readonly others: readonly FactLine[];
  readonly view: CallView;
  readonly onJump: (segment: number) => void;
  readonly version: string;
}

function Details({ made, shown, others, view, onJump, version }: DetailsProps) {
  const { t } = useText();
  return (
    <div data-testid="decision-details">
      <dl className="looked-rows">
        <dt>{t.judgement.policy}</dt>
        <dd className="figures" data-testid="decision-policy">
          {version}
        </dd>
        <dt>{t.judgement.rules}</dt>
        <dd>
          {made.rules.length === 0
            ? t.judgement.noRules
            : made.rules.map((rule) => (
                <code key={rule} className="rule-id">
                  {rule}
                </code>
              ))}
        </dd>
      </dl>
      <Facts title={t.judgement.deciding} facts={shown} view={view} onJump={onJump} />
      <Facts
        title={made.because === undefined ? t.judgement.allFacts : t.judgement.otherFacts(others.length)}
        facts={others}
        view={view}
        onJump={onJump}
      />
    </div>
  );
}

interface FactsProps {
  readonly title: string;
  readonly facts: readonly FactLine[];
  readonly view: CallView;
  readonly onJump: (segment: number) => void;
}

function Facts({ title, facts, view, onJump }: FactsProps) {
  const { t } = useText();
  if (facts.length === 0) return null;
  return (
    <table className="facts-table">
      <caption>{title}</caption>
      <thead className="visually-hidden">
        <tr>
          <th scope="col">{t.judgement.fact}</th>
          <th scope="col">{t.judgement.value}</th>
          <th scope="col">{t.judgement.evidence}</th>
        </tr>
      </thead>
      <tbody>
        {facts.map((one) => (
          <tr key={one.fact} data-testid="fact" data-fact={one.fact}>
            <th scope="row">{one.name}</th>
            <td>{one.value}</td>
            <td>
              <Evidence view={view} segments={one.evidence} onJump={onJump} bare />
            </td>
          </tr>
        ))}
      </tbody>
    </table>
  );
}
