/** The emotion of the caller over the call: sentence, curve with its read-out, table. */

import { Fragment, useId, useMemo, useState } from "react";
import { named, useText } from "../i18n/text";
import type { Dictionary } from "../i18n/zh";
import { percent, signed } from "../ui/figures";
import { clock } from "../ui/time";
import type { CallView } from "../wire/state";
import { courseSentence, emotionPoints, type EmotionPoint, type Estimate } from "./course";
import { curveShape, isKnown, type CurveShape } from "./curveShape";
import { EmotionChart } from "./EmotionChart";
import { HintMarks } from "./HintMarks";

interface EmotionLaneProps {
  readonly view: CallView;
  readonly endMs: number;
  readonly selected: number | null;
  readonly playheadMs: number | null;
  readonly onChoose: (segment: number) => void;
}

export function EmotionLane({ view, endMs, selected, playheadMs, onChoose }: EmotionLaneProps) {
  const { t } = useText();
  const [tabular, setTabular] = useState(false);
  const [read, setRead] = useState<number | null>(null);
  const tableId = useId();
  const points = useMemo(() => emotionPoints(view.segments), [view.segments]);
  const shape = useMemo(() => curveShape(points), [points]);
  const sentence = courseSentence(view, t);
  const point = points.find((one) => one.segment === (read ?? selected)) ?? points.at(-1);
  return (
    <section className="card lane">
      <div className="card-head">
        <h2>{t.emotion.title}</h2>
        <button
          type="button"
          className="button quiet small"
          aria-expanded={tabular}
          aria-controls={tableId}
          onClick={() => setTabular(!tabular)}
        >
          {tabular ? t.emotion.asChart : t.emotion.asTable}
        </button>
      </div>
      <p className="course" data-testid="emotion-sentence">
        {sentence}
      </p>
      <EmotionChart
        label={points.length === 0 ? `${t.emotion.chart}. ${sentence}` : t.emotion.cursor}
        reading={point === undefined ? "" : spoken(point, shape.banded, t)}
        points={points}
        shape={shape}
        shifts={view.shifts}
        endMs={endMs}
        selected={selected}
        read={read}
        playheadMs={playheadMs}
        onRead={setRead}
        onChoose={onChoose}
      />
      <HintMarks view={view} endMs={endMs} onJump={onChoose} />
      <ReadOut point={point} banded={shape.banded} />
      <p className="soft lane-note">
        {shape.banded ? `${t.emotion.band} · ` : ""}
        {t.emotion.provisional} · {view.agentToneAllowed === null ? t.emotion.onlyCaller : t.emotion.callersCurve}
        {view.recalled === null ? "" : ` · ${t.emotion.recalled}`}
      </p>
      <div id={tableId} className={tabular ? "table-box" : "visually-hidden"}>
        <EmotionTable view={view} points={points} shape={shape} />
      </div>
    </section>
  );
}

/** The legend of the curve and, in it, the figures of one utterance. */
function ReadOut({ point, banded }: { readonly point: EmotionPoint | undefined; readonly banded: boolean }) {
  const { t } = useText();
  const figure = (estimate: Estimate | undefined) => {
    if (estimate === undefined) return null;
    const [value, spread] = figures(estimate, banded, t);
    return (
      <>
        <strong>{value}</strong>
        {spread}
      </>
    );
  };
  return (
    <dl className="readout figures" data-testid="emotion-readout" data-segment={point?.segment}>
      <div>
        <dt>
          <i className="key key-arousal" aria-hidden="true" />
          {t.emotion.arousal}
        </dt>
        <dd>{figure(point?.arousal)}</dd>
      </div>
      <div>
        <dt>
          <i className="key key-valence" aria-hidden="true" />
          {t.emotion.valence}
        </dt>
        <dd>{figure(point?.valence)}</dd>
      </div>
      {point === undefined ? null : (
        <div className="readout-of">
          <dt>{clock(point.startMs)}</dt>
          <dd>
            {named(t.words.label, point.score.label)}
            {point.provisional ? ` · ${t.words.basis.tone}` : ""}
          </dd>
        </div>
      )}
    </dl>
  );
}

/** Value and spread; where others have a spread and this has none, the value is a guess and not said. */
function figures({ value, sd }: Estimate, banded: boolean, t: Dictionary): readonly [value: string, spread: string] {
  if (sd !== null) return [signed(value), ` ± ${sd.toFixed(2)}`];
  return [banded ? t.emotion.unknown : signed(value), ""];
}

/** The figures of a point in words. */
function spoken(point: EmotionPoint, banded: boolean, t: Dictionary): string {
  const figure = (name: string, estimate: Estimate): string => `${name} ${figures(estimate, banded, t).join("")}`;
  return [
    clock(point.startMs),
    named(t.words.label, point.score.label),
    figure(t.emotion.arousal, point.arousal),
    figure(t.emotion.valence, point.valence),
  ].join(t.words.and);
}

interface EmotionTableProps {
  readonly view: CallView;
  readonly points: readonly EmotionPoint[];
  readonly shape: CurveShape;
}

function EmotionTable({ view, points, shape }: EmotionTableProps) {
  const { t } = useText();
  return (
    <table className="figures" data-testid="emotion-table">
      <caption>{t.emotion.table}</caption>
      <thead>
        <tr>
          <th scope="col">{t.emotion.time}</th>
          <th scope="col">{t.emotion.arousal}</th>
          <th scope="col">{t.emotion.valence}</th>
          <th scope="col">{t.emotion.label}</th>
          <th scope="col">{t.emotion.basis}</th>
          <th scope="col">{t.risk.short}</th>
          <th scope="col">{t.emotion.shiftRow}</th>
        </tr>
      </thead>
      <tbody>
        {points.map((point) => {
          const shift = view.shifts.find((one) => one.segments.at(-1) === point.segment);
          const gap = shape.gaps.find((one) => one.endMs === point.startMs);
          const { risk } = point.score;
          return (
            <Fragment key={point.segment}>
              {gap === undefined ? null : (
                <tr data-testid="gap-row">
                  <th scope="row">{clock(gap.startMs)}</th>
                  <td colSpan={6}>{t.emotion.gap(clock(gap.startMs), clock(gap.endMs))}</td>
                </tr>
              )}
              <tr data-testid="emotion-row" data-segment={point.segment} data-basis={point.score.basis}>
                <th scope="row">{clock(point.startMs)}</th>
                <td>{figures(point.arousal, shape.banded, t)}</td>
                <td>{figures(point.valence, shape.banded, t)}</td>
                <td>{named(t.words.label, point.score.label)}</td>
                <td>{named(t.words.basis, point.score.basis)}</td>
                <td>{risk == null || !shape.banded || !isKnown(point, true) ? "" : percent(risk)}</td>
                <td>{shift === undefined ? "" : t.emotion.shift(t.words.level[shift.current])}</td>
              </tr>
            </Fragment>
          );
        })}
      </tbody>
    </table>
  );
}
