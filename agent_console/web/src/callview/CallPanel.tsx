/** One call in full: the same view for a live call and for a replayed one. */

import { useCallback, useMemo, useState, type ReactNode } from "react";
import { useText } from "../i18n/text";
import { segmentElementId } from "./anchor";
import { segmentAt, newestScored } from "./course";
import { AdviceBar } from "./AdviceBar";
import { CallHeader } from "./CallHeader";
import { DecisionLog } from "./DecisionLog";
import { EmotionLane } from "./EmotionLane";
import { Failures } from "./Failures";
import { HintDock } from "./HintDock";
import { HintList } from "./HintList";
import { Transcript } from "./Transcript";
import { Why } from "./Why";
import type { CallView } from "../wire/state";
import "./header.css";
import "./transcript.css";
import "./side.css";
import "./hints.css";
// Last: what changes on narrow screens stands behind what it changes.
import "./layout.css";

interface CallPanelProps {
  readonly view: CallView;
  readonly durationMs: number;
  /** Whether what comes now is new and worth following and announcing. */
  readonly live: boolean;
  /** Whether the call is looked at afterwards: then hints are a record, not advice to act on. */
  readonly review?: boolean;
  /** Media time of the playback, where a recording plays. */
  readonly playheadMs?: number | null;
  readonly onSeek?: ((ms: number) => void) | undefined;
  readonly actions?: ReactNode;
}

export function CallPanel({ view, durationMs, live, review = false, playheadMs = null, onSeek, actions }: CallPanelProps) {
  const { t } = useText();
  const [chosen, setChosen] = useState<number | null>(null);
  const heard = playheadMs === null ? null : segmentAt(view, playheadMs);

  const choose = useCallback(
    (segment: number) => {
      setChosen(segment);
      const one = view.segments.get(segment);
      if (one !== undefined) onSeek?.(one.startMs);
    },
    [view, onSeek],
  );
  const jump = useCallback(
    (segment: number) => {
      choose(segment);
      const element = document.getElementById(segmentElementId(segment));
      element?.scrollIntoView({ block: "center" });
      element?.querySelector<HTMLElement>("button")?.focus({ preventScroll: true });
    },
    [choose],
  );

  const explained = useMemo(() => {
    const wanted = chosen === null ? undefined : view.segments.get(chosen);
    return wanted ?? newestScored(view);
  }, [view, chosen]);
  const caller = view.started?.caller ?? view.call;

  return (
    <section
      className="call"
      aria-label={t.call.region(caller)}
      data-testid="call-view"
      data-call={view.call}
      data-last-seq={view.lastSeq}
    >
      <CallHeader view={view} durationMs={durationMs} onJump={jump} actions={actions} />
      <div className="call-body">
        <div className="call-talk">
          {review || view.ended !== null ? null : <AdviceBar view={view} live={live} onJump={jump} />}
          <Transcript
            view={view}
            live={live}
            selected={chosen}
            heard={heard}
            seeks={onSeek !== undefined}
            onChoose={choose}
          />
          {review || view.ended !== null ? null : <HintDock view={view} nowMs={durationMs} live={live} onJump={jump} />}
        </div>
        <div className="call-side">
          <Failures view={view} onJump={jump} />
          <EmotionLane
            view={view}
            endMs={Math.max(durationMs, view.atMs)}
            selected={explained?.id ?? null}
            playheadMs={playheadMs}
            onChoose={jump}
          />
          {review || view.ended !== null ? <HintList view={view} onJump={jump} /> : null}
          <DecisionLog view={view} onJump={jump} whole={review} />
          <Why segment={explained} agentTone={view.agentToneAllowed !== null} />
        </div>
      </div>
    </section>
  );
}
