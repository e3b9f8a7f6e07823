/** The words of both parties, following the newest until the reader scrolls away. */

import { useCallback, useEffect, useLayoutEffect, useMemo, useRef, useState, type KeyboardEvent } from "react";
import { useText } from "../i18n/text";
import { DownIcon } from "../ui/icons";
import type { CallView } from "../wire/state";
import { Segment } from "./Segment";

interface TranscriptProps {
  readonly view: CallView;
  readonly live: boolean;
  readonly selected: number | null;
  readonly heard: number | null;
  readonly seeks: boolean;
  readonly onChoose: (segment: number) => void;
}

/** Pixels from the end within which the reader still counts as being at the end. */
const NEAR_END = 48;

export function Transcript({ view, live, selected, heard, seeks, onChoose }: TranscriptProps) {
  const { t } = useText();
  const box = useRef<HTMLDivElement>(null);
  const [following, setFollowing] = useState(true);
  const segments = useMemo(() => [...view.segments.values()], [view.segments]);
  const language = view.started?.language === "zh" ? "zh-CN" : view.started?.language;

  const toEnd = useCallback(() => {
    const element = box.current;
    if (element !== null) element.scrollTop = element.scrollHeight;
  }, []);
  useLayoutEffect(() => {
    if (live && following) toEnd();
  }, [live, following, view.segments, toEnd]);
  useEffect(() => {
    const element = box.current;
    if (element === null || !live || !following) return;
    // A hint below takes room; the newest words stay in sight.
    const observer = new ResizeObserver(toEnd);
    observer.observe(element);
    return () => observer.disconnect();
  }, [live, following, toEnd]);
  useEffect(() => {
    const frame = box.current;
    const line = frame?.querySelector<HTMLElement>(`[data-segment="${heard ?? ""}"]`);
    if (frame == null || line == null) return;
    // Only the transcript scrolls; the page stays where its reader has put it.
    const above = line.offsetTop - frame.scrollTop;
    const below = above + line.offsetHeight - frame.clientHeight;
    if (above < 0) frame.scrollTop += above;
    else if (below > 0) frame.scrollTop += below;
  }, [heard]);

  const noticeScroll = (): void => {
    const element = box.current;
    if (element === null) return;
    setFollowing(element.scrollHeight - element.scrollTop - element.clientHeight < NEAR_END);
  };

  return (
    <div className="transcript-frame">
      <h2 className="visually-hidden">{t.transcript.title}</h2>
      <div
        ref={box}
        className="transcript"
        role="region"
        aria-label={t.transcript.region}
        tabIndex={0}
        onScroll={noticeScroll}
        data-testid="transcript"
      >
        {segments.length === 0 ? (
          <p className="transcript-empty">{view.ended === null ? t.transcript.empty : t.transcript.emptyEnded}</p>
        ) : (
          // eslint-disable-next-line jsx-a11y/no-noninteractive-element-interactions -- arrow keys walk between the buttons inside, which are reachable by Tab as well
          <ol lang={language} onKeyDown={walk}>
            {segments.map((one) => (
              <Segment
                key={one.id}
                segment={one}
                selected={selected === one.id}
                heard={heard === one.id}
                seeks={seeks}
                onChoose={onChoose}
              />
            ))}
          </ol>
        )}
      </div>
      {live && !following ? (
        <button
          type="button"
          className="button newest"
          onClick={() => {
            toEnd();
            setFollowing(true);
          }}
          data-testid="jump-newest"
        >
          <DownIcon />
          {t.transcript.newest}
        </button>
      ) : null}
      <Announcer view={view} live={live} />
    </div>
  );
}

/** Arrow keys move between utterances. */
function walk(event: KeyboardEvent<HTMLOListElement>): void {
  if (event.key !== "ArrowDown" && event.key !== "ArrowUp") return;
  const stops = [...event.currentTarget.querySelectorAll<HTMLElement>("button.segment-time")];
  const here = stops.findIndex((one) => one === document.activeElement);
  if (here < 0) return;
  event.preventDefault();
  stops[here + (event.key === "ArrowDown" ? 1 : -1)]?.focus();
}

/** Reads new finals to screen readers, politely; partials would never let them finish a sentence. */
function Announcer({ view, live }: { readonly view: CallView; readonly live: boolean }) {
  const { t } = useText();
  const one = view.lastFinal === null ? undefined : view.segments.get(view.lastFinal);
  const text = live && one !== undefined && one.text !== "" ? t.transcript.announced(t.words.party[one.party], one.text) : "";
  return (
    <p className="visually-hidden" aria-live="polite" data-testid="announcer">
      {text}
    </p>
  );
}
