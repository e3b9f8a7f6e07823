/** The emotion of the caller over the call: curve, sentence, table. */

import { useId, useMemo, useState } from "react";
import { useText } from "../i18n/text";
import { clock } from "../ui/time";
import type { CallView } from "../wire/state";
import { courseSentence, emotionPoints, type EmotionPoint } from "./course";
import { EmotionChart } from "./EmotionChart";

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
  const tableId = useId();
  const points = useMemo(() => emotionPoints(view), [view]);
  const sentence = courseSentence(view, t);
  return (
    <section className="card">
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
        label={`${t.emotion.chart}. ${sentence}`}
        points={points}
        shifts={view.shifts}
        endMs={endMs}
        selected={selected}
        playheadMs={playheadMs}
        onChoose={onChoose}
      />
      <ul className="legend">
        <li>
          <i className="key key-arousal" aria-hidden="true" />
          {t.emotion.arousal}
        </li>
        <li>
          <i className="key key-valence" aria-hidden="true" />
          {t.emotion.valence}
        </li>
        <li>
          <i className="key key-tone" aria-hidden="true" />
          {t.emotion.tone}
        </li>
      </ul>
      <p className="soft lane-note">{t.emotion.onlyCaller}</p>
      <div id={tableId} className={tabular ? "table-box" : "visually-hidden"}>
        <EmotionTable view={view} points={points} />
      </div>
    </section>
  );
}

interface EmotionTableProps {
  readonly view: CallView;
  readonly points: readonly EmotionPoint[];
}

function EmotionTable({ view, points }: EmotionTableProps) {
  const { t } = useText();
  const shiftOf = (point: EmotionPoint) => view.shifts.find((one) => one.segments.at(-1) === point.segment);
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
          <th scope="col">{t.emotion.shiftRow}</th>
        </tr>
      </thead>
      <tbody>
        {points.map((point) => {
          const shift = shiftOf(point);
          return (
            <tr key={point.segment} data-segment={point.segment} data-basis={point.score.basis}>
              <th scope="row">{clock(point.atMs)}</th>
              <td>{point.score.curve_arousal.toFixed(2)}</td>
              <td>{point.score.curve_valence.toFixed(2)}</td>
              <td>{t.words.label[point.score.label]}</td>
              <td>{t.words.basis[point.score.basis]}</td>
              <td>{shift === undefined ? "" : t.emotion.shift(t.words.level[shift.current])}</td>
            </tr>
          );
        })}
      </tbody>
    </table>
  );
}
