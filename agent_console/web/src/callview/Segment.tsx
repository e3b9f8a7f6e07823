/** One utterance in the transcript. */

import { memo, type MouseEvent } from "react";
import { named, useText } from "../i18n/text";
import { Chip } from "../ui/Chip";
import { clock } from "../ui/time";
import type { SegmentView } from "../wire/state";
import { segmentElementId } from "./anchor";
import { cut, type MarkedRuns } from "./runs";

interface SegmentProps {
  readonly segment: SegmentView;
  readonly selected: boolean;
  /** Whether the recording is playing it. */
  readonly heard: boolean;
  /** Whether choosing it moves the playback. */
  readonly seeks: boolean;
  readonly onChoose: (segment: number) => void;
}

export const Segment = memo(function Segment({ segment, selected, heard, seeks, onChoose }: SegmentProps) {
  const { t } = useText();
  const who = t.words.party[segment.party];
  const time = clock(segment.startMs);
  const classes = [
    "segment",
    `segment-${segment.party}`,
    segment.final ? "" : "provisional",
    selected ? "selected" : "",
    heard ? "heard" : "",
  ];
  const choose = (event: MouseEvent): void => {
    // Whoever marks text to copy it does not mean to choose the line.
    if (event.target instanceof HTMLButtonElement || window.getSelection()?.isCollapsed === false) return;
    onChoose(segment.id);
  };
  return (
    // eslint-disable-next-line jsx-a11y/no-noninteractive-element-interactions, jsx-a11y/click-events-have-key-events -- a larger target for the pointer; the button inside does the same by keyboard
    <li
      id={segmentElementId(segment.id)}
      className={classes.filter(Boolean).join(" ")}
      aria-current={heard ? "true" : undefined}
      data-testid="segment"
      data-segment={segment.id}
      data-final={segment.final}
      data-party={segment.party}
      onClick={choose}
    >
      <button
        type="button"
        className="segment-time figures"
        aria-pressed={selected}
        aria-label={seeks ? t.transcript.seek(who, time) : t.transcript.select(who, time)}
        onClick={() => onChoose(segment.id)}
      >
        {time}
      </button>
      <span className="segment-who" title={segment.agent ?? undefined}>
        {who}
      </span>
      <div className="segment-body">
        <p className="segment-text" data-testid="segment-text">
          <Words segment={segment} />
        </p>
        <Tags segment={segment} />
      </div>
    </li>
  );
});

function Words({ segment }: { readonly segment: SegmentView }) {
  const { t } = useText();
  if (!segment.final) {
    return (
      <>
        {segment.text}
        <span className="typing" title={t.transcript.provisional}>
          <span className="visually-hidden">{t.transcript.provisional}</span>
        </span>
      </>
    );
  }
  if (segment.text === "") return <span className="soft">{t.transcript.nothing}</span>;
  return cut(segment.text, segment.words, segment.keyPoints).map((piece, index) => <Piece key={index} piece={piece} />);
}

function Piece({ piece }: { readonly piece: MarkedRuns }) {
  const { t } = useText();
  const runs = piece.runs.map((run) =>
    run.doubt === null ? (
      run.text
    ) : (
      <span key={run.start} className="doubt" title={t.transcript.doubt(Math.round(run.doubt * 100))}>
        {run.text}
      </span>
    ),
  );
  if (piece.keyPoint === null) return runs;
  const { tag } = piece.keyPoint;
  return (
    <mark className={`point point-${tag}`} title={t.words.keyPoint[tag]} data-testid="keypoint" data-tag={tag}>
      {runs}
    </mark>
  );
}

/** Tags under the words: each kind of key point once, what was identified, and how it sounded. */
function Tags({ segment }: { readonly segment: SegmentView }) {
  const { t } = useText();
  const { keyPoints, entities, emotion: mood } = segment;
  // An identifier that is known to be an order number or a phone says so instead of being an identifier.
  const told = (start: number, end: number): boolean =>
    entities.some((one) => one.start < end && start < one.end);
  const shown = keyPoints.filter((one) => one.tag !== "identifier" || !told(one.start, one.end));
  const tags = [...new Set(shown.map((one) => one.tag))];
  if (tags.length === 0 && entities.length === 0 && mood === null) return null;
  return (
    <div className="segment-tags">
      {tags.map((tag) => (
        <Chip key={tag} kind={`point point-${tag}`} testId="keypoint-tag">
          {t.words.keyPoint[tag]}
        </Chip>
      ))}
      {entities.map((one) => (
        <Chip key={one.seq} kind="entity point-identifier" testId="entity">
          {named(t.open.entity, one.kind)} {one.value}
        </Chip>
      ))}
      {mood === null ? null : (
        <span
          className={`mood ${mood.basis === "tone" ? "mood-tone" : ""}`}
          title={`${named(t.words.basis, mood.basis)} · ${t.call.confidence(Math.round(mood.confidence * 100))}`}
        >
          {named(t.words.label, mood.label)}
        </span>
      )}
    </div>
  );
}
