/** The risk of a call: where the caller's distress is heading. */

import { useText } from "../i18n/text";
import type { Level } from "../wire/events";
import { percent } from "./figures";
import { RiskIcon } from "./icons";

/** Below this a call list says nothing of risk. */
const WORTH_SAYING = 0.05;

/** Coloured by where the pipeline begins to advise the agent, and where it ceases to (`routing.coaching`). */
export function riskLevel(risk: number): Level {
  if (risk >= 0.6) return "upset";
  return risk >= 0.4 ? "tense" : "settled";
}

/** In a list: sign and figure; the words are its title and what is read aloud. */
export function RiskTag({ risk }: { readonly risk: number | null | undefined }) {
  const { t } = useText();
  if (risk == null || risk < WORTH_SAYING) return null;
  const said = t.risk.of(percent(risk));
  return (
    <span className={`risk-tag figures ${riskLevel(risk)}`} title={`${said} · ${t.risk.meaning}`} data-testid="risk-tag">
      <RiskIcon />
      <span className="visually-hidden">{t.risk.title} </span>
      {percent(risk)}
    </span>
  );
}

/** A bar that fills with the risk; the figure beside it tells the same. */
export function RiskBar({ risk }: { readonly risk: number }) {
  return (
    <span className={`risk-bar ${riskLevel(risk)}`} aria-hidden="true">
      <span style={{ width: `${percent(risk)}%` }} />
    </span>
  );
}
