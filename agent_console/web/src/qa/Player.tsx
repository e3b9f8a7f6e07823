import { useEffect, useImperativeHandle, useRef, useState, type Ref } from "react";
import { useText } from "../i18n/text";

/** What others may do with the player. */
export interface PlayerControl {
  readonly seek: (ms: number) => void;
}

interface PlayerProps {
  readonly source: string;
  readonly ref: Ref<PlayerControl>;
  /** Media time of the playback, in milliseconds; several times a second while it plays. */
  readonly onPosition: (ms: number) => void;
}

const SPEEDS = [0.75, 1, 1.25, 1.5, 2] as const;
/** How often the position is told while it plays. */
const EVERY_MS = 80;

/** The browser's own player, which brings keyboard and captions of its controls along, plus a speed. */
export function Player({ source, ref, onPosition }: PlayerProps) {
  const { t } = useText();
  const audio = useRef<HTMLAudioElement>(null);
  const [broken, setBroken] = useState(false);
  const [speed, setSpeed] = useState(1);
  const [playing, setPlaying] = useState(false);

  useEffect(() => {
    if (!playing) return;
    const timer = setInterval(() => {
      if (audio.current !== null) onPosition(audio.current.currentTime * 1000);
    }, EVERY_MS);
    return () => clearInterval(timer);
  }, [playing, onPosition]);
  useEffect(() => {
    if (audio.current !== null) audio.current.playbackRate = speed;
  }, [speed]);
  useImperativeHandle(
    ref,
    () => ({
      seek: (ms) => {
        if (audio.current === null) return;
        audio.current.currentTime = ms / 1000;
        onPosition(ms);
      },
    }),
    [onPosition],
  );

  if (broken) return <p role="alert">{t.qa.recordingBroken}</p>;
  return (
    <div className="player">
      {/* eslint-disable-next-line jsx-a11y/media-has-caption -- the transcript beside it is the caption, and follows the playback */}
      <audio
        ref={audio}
        src={source}
        controls
        preload="metadata"
        aria-label={t.qa.player}
        onPlay={() => setPlaying(true)}
        onPause={() => setPlaying(false)}
        onEnded={() => setPlaying(false)}
        onSeeked={(event) => onPosition(event.currentTarget.currentTime * 1000)}
        onError={() => setBroken(true)}
        data-testid="player"
      />
      <label className="speed">
        <span className="soft">{t.qa.speed}</span>
        <select value={speed} onChange={(event) => setSpeed(Number(event.target.value))} data-testid="speed">
          {SPEEDS.map((one) => (
            <option key={one} value={one}>
              {one}×
            </option>
          ))}
        </select>
      </label>
    </div>
  );
}
