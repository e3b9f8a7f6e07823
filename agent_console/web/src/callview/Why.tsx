/** What moved the judgement of one utterance. */

import { named, useText } from "../i18n/text";
import { clock } from "../ui/time";
import type { Contribution } from "../wire/events";
import type { SegmentView } from "../wire/state";

const SHOWN = 5;
/** The contribution that fills a bar; larger ones are rare. */
const FULL = 0.5;

export function Why({ segment }: { readonly segment: SegmentView | null }) {
  const { t } = useText();
  return (
    <section className="card" data-testid="why">
      <div className="card-head">
        <h2>{t.why.title}</h2>
        {segment === null ? null : <span className="soft figures">{t.why.of(clock(segment.startMs))}</span>}
      </div>
      <Body segment={segment} />
    </section>
  );
}

function Body({ segment }: { readonly segment: SegmentView | null }) {
  const { t } = useText();
  if (segment === null) return <p className="soft">{t.why.hint}</p>;
  if (segment.party !== "caller") return <p className="soft">{t.why.ofAgent}</p>;
  const score = segment.emotion;
  if (score === null) return <p className="soft">{t.why.notScored}</p>;
  const shown = [...score.contributions].sort((a, b) => Math.abs(b.value) - Math.abs(a.value)).slice(0, SHOWN);
  return (
    <>
      <p className="why-sum">
        <strong>{t.words.label[score.label]}</strong>
        <span className="soft">
          {" · "}
          {t.words.basis[score.basis]}
          {" · "}
          {t.call.confidence(Math.round(score.confidence * 100))}
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
    </>
  );
}

function Row({ one }: { readonly one: Contribution }) {
  const { t } = useText();
  const share = Math.min(1, Math.abs(one.value) / FULL);
  const way = one.value < 0 ? t.why.down : t.why.up;
  const sign = one.value < 0 ? "−" : "+";
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
        {sign}
        {Math.abs(one.value).toFixed(2)}
      </span>
    </li>
  );
}
