/** How loud a voice is, drawn without rendering the page anew. */

import { useEffect, useRef, useState } from "react";
import "./level.css";

/** The scale of the meter, dB relative to full scale. */
const QUIET_DB = -60;
const LOUD_DB = -10;
/** From here on it is a voice and not the room. */
const VOICE = 0.35;

/** Mean level of a block of samples on the meter's scale, [0, 1]. */
export function meterLevel(samples: Float32Array): number {
  let sum = 0;
  for (const one of samples) sum += one * one;
  const db = 10 * Math.log10(sum / samples.length + 1e-12);
  return Math.min(1, Math.max(0, (db - QUIET_DB) / (LOUD_DB - QUIET_DB)));
}

interface LevelMeterProps {
  readonly stream: MediaStream;
  readonly label: string;
  /** What stands below it once a voice was heard, and before; nothing for a meter without words. */
  readonly speaking?: string;
  readonly silent?: string;
  readonly testId?: string;
}

export function LevelMeter({ stream, label, speaking, silent, testId = "level-meter" }: LevelMeterProps) {
  const hasWords = speaking !== undefined;
  const bar = useRef<HTMLSpanElement>(null);
  const meter = useRef<HTMLDivElement>(null);
  const [heard, setHeard] = useState(false);

  useEffect(() => {
    const context = new AudioContext();
    const analyser = context.createAnalyser();
    analyser.fftSize = 1024;
    const source = context.createMediaStreamSource(stream);
    source.connect(analyser);
    const samples = new Float32Array(analyser.fftSize);
    let shown = 0;
    let frame = 0;
    let drawn = 0;
    const draw = (now: number): void => {
      frame = requestAnimationFrame(draw);
      analyser.getFloatTimeDomainData(samples);
      // Rises at once, falls slowly: as meters do, so that the eye can follow.
      shown = Math.max(meterLevel(samples), shown * 0.9);
      if (bar.current !== null) bar.current.style.transform = `scaleX(${shown.toFixed(3)})`;
      if (now - drawn > 250) {
        drawn = now;
        meter.current?.setAttribute("aria-valuenow", String(Math.round(shown * 100)));
        meter.current?.setAttribute("data-level", shown.toFixed(2));
        if (shown > VOICE) setHeard(true);
      }
    };
    frame = requestAnimationFrame(draw);
    return () => {
      cancelAnimationFrame(frame);
      source.disconnect();
      void context.close();
    };
  }, [stream]);

  return (
    <div className="level">
      <div
        ref={meter}
        className="level-meter"
        role="meter"
        aria-label={label}
        aria-valuemin={0}
        aria-valuemax={100}
        aria-valuenow={0}
        data-testid={testId}
        data-heard={heard}
      >
        <span ref={bar} className="level-bar" />
      </div>
      {hasWords ? <p className="soft level-hint">{heard ? speaking : silent}</p> : null}
    </div>
  );
}
