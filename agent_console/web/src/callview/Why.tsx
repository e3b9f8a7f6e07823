/** What moved the judgement of one utterance. */

import { named, useText } from "../i18n/text";
import { percent, signed } from "../ui/figures";
import { clock } from "../ui/time";
import type { Contribution } from "../wire/events";
import type { SegmentView } from "../wire/state";
import { Voice } from "./Voice";

const SHOWN = 5;
/** The contribution that fills a bar; larger ones are rare. */
const FULL = 0.5;

interface WhyProps {
  readonly segment: SegmentView | null;
  /** Whether the installation has agents' tone measured. */
  readonly agentTone: boolean;
}

export function Why({ segment, agentTone }: WhyProps) {
  const { t } = useText();
  return (
    <section className="card" data-testid="why">
      <div className="card-head">
        <h2>{t.why.title}</h2>
        {segment === null ? null : <span className="soft figures">{t.why.of(clock(segment.startMs))}</span>}
      </div>
      <Body segment={segment} agentTone={agentTone} />
    </section>
  );
}

function Body({ segment, agentTone }: WhyProps) {
  const { t } = useText();
  if (segment === null) return <p className="soft">{t.why.hint}</p>;
  const voice = segment.features === null ? null : <Voice features={segment.features} />;
  if (segment.party !== "caller") {
    return (
      <>
        <AgentTone segment={segment} agentTone={agentTone} />
        {voice}
      </>
    );
  }
  const score = segment.emotion;
  if (score === null) {
    return (
      <>
        <p className="soft">{t.why.notScored}</p>
        {voice}
      </>
    );
  }
  // An older server, or a stage that broke, may leave them out.
  const contributions = (score.contributions as readonly Contribution[] | undefined) ?? [];
  const shown = [...contributions].sort((a, b) => Math.abs(b.value) - Math.abs(a.value)).slice(0, SHOWN);
  return (
    <>
      <p className="why-sum">
        <strong>{named(t.words.label, score.label)}</strong>
        <span className="soft">
          {" · "}
          {named(t.words.basis, score.basis)}
          {" · "}
          {t.call.confidence(percent(score.confidence))}
        </span>
      </p>
      {shown.length === 0 ? (
        <p className="soft">{t.why.none}</p>
      ) : (
        <ul className="why-list">
          {shown.map((one) => (
            <Row key={`${one.feature} ${one.dimension}`} one={one} />
          ))}
        </ul>
      )}
      {score.basis === "tone" ? <p className="soft why-note">{t.why.toneOnly}</p> : null}
      {voice}
      {score.models === undefined || score.models.length === 0 ? null : (
        <p className="soft why-note">{t.why.models(score.models.join(t.words.and))}</p>
      )}
    </>
  );
}

function AgentTone({ segment, agentTone }: { readonly segment: SegmentView; readonly agentTone: boolean }) {
  const { t } = useText();
  const tone = segment.agentTone;
  if (tone === null) return <p className="soft">{agentTone ? t.why.agentNotScored : t.why.ofAgent}</p>;
  return (
    <p data-testid="agent-tone">
      {t.emotion.arousal} <strong className="figures">{signed(tone.arousal)}</strong>
      <span className="soft">
        {" · "}
        {t.call.confidence(percent(tone.confidence))}
        {" · "}
        {t.agentTone.never}
      </span>
    </p>
  );
}

function Row({ one }: { readonly one: Contribution }) {
  const { t } = useText();
  const share = Math.min(1, Math.abs(one.value) / FULL);
  const way = one.value < 0 ? t.why.down : t.why.up;
  const dimension = named(t.words.dimension, one.dimension);
  return (
    <li>
      <span className="why-feature">{named(t.open.feature, one.feature)}</span>
      <span className="why-way soft">
        {way} {dimension}
      </span>
      <span className={`why-bar ${one.value < 0 ? "down" : "up"} ${one.dimension}`} aria-hidden="true">
        <span style={{ width: `${share * 50}%` }} />
      </span>
      <span className="why-value figures">
        {signed(one.value)}
      </span>
    </li>
  );
}
