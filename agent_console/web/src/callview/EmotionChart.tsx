/**
 * The emotion curve, drawn by uPlot.
 *
 * Pointer and arrow keys walk from utterance to utterance; the figures are read out beside the chart. Whoever cannot see
 * it reads the sentence and the table.
 */

import { useEffect, useRef, type KeyboardEvent } from "react";
import uPlot from "uplot";
import "uplot/dist/uPlot.min.css";
import { useText } from "../i18n/text";
import { useTheme } from "../ui/theme";
import type { TimedShift } from "../wire/state";
import { drawGround, drawScene, readInks, type Scene } from "./chartScene";
import type { EmotionPoint } from "./course";
import { columns, type CurveShape } from "./curveShape";
import { clock } from "../ui/time";

interface EmotionChartProps {
  readonly label: string;
  /** The figures that are read out, for a reader of the screen. */
  readonly reading: string;
  readonly points: readonly EmotionPoint[];
  readonly shape: CurveShape;
  readonly shifts: readonly TimedShift[];
  readonly endMs: number;
  readonly selected: number | null;
  readonly read: number | null;
  readonly playheadMs: number | null;
  readonly onRead: (segment: number | null) => void;
  readonly onChoose: (segment: number) => void;
}

const HEIGHT = 184;
/** Beside the plot, in pixels; what stands below it is aligned with it by them. */
export const LEFT = 32;
export const RIGHT = 18;
/** The time axis never shows less than this, so that the first points do not jump about. */
export const SHORTEST_S = 30;

export function EmotionChart(props: EmotionChartProps) {
  const { label, reading, points, shape, shifts, endMs, selected, read, playheadMs, onRead, onChoose } = props;
  const { t } = useText();
  const theme = useTheme();
  const box = useRef<HTMLDivElement>(null);
  const playhead = useRef<HTMLDivElement>(null);
  const plot = useRef<uPlot | null>(null);
  const scene = useRef<Scene | null>(null);
  const tell = useRef({ onRead, onChoose });

  useEffect(() => {
    tell.current = { onRead, onChoose };
  }, [onRead, onChoose]);

  useEffect(() => {
    const element = box.current;
    if (element === null) return;
    const made = new uPlot(options(element, scene), [[], [], []], element);
    plot.current = made;
    const observer = new ResizeObserver(() => made.setSize({ width: element.clientWidth, height: HEIGHT }));
    observer.observe(element);
    const under = (event: MouseEvent): number | null => {
      const atMs = made.posToVal(event.clientX - made.over.getBoundingClientRect().left, "x") * 1000;
      return nearestPoint(scene.current?.points ?? [], atMs)?.segment ?? null;
    };
    const pick = (event: MouseEvent): void => {
      const segment = under(event);
      if (segment !== null) tell.current.onChoose(segment);
    };
    const point = (event: MouseEvent): void => tell.current.onRead(under(event));
    const leave = (): void => tell.current.onRead(null);
    made.over.addEventListener("click", pick);
    made.over.addEventListener("pointermove", point);
    made.over.addEventListener("pointerleave", leave);
    return () => {
      observer.disconnect();
      made.destroy();
      plot.current = null;
    };
  }, []);

  useEffect(() => {
    const element = box.current;
    const current = plot.current;
    if (element === null || current === null) return;
    scene.current = {
      points,
      shape,
      shifts,
      selected,
      read,
      endS: Math.max(SHORTEST_S, endMs / 1000),
      inks: readInks(element, theme),
      levels: t.words.level,
      silence: t.emotion.silence,
    };
    current.setData(columns(shape), true);
  }, [points, shape, shifts, selected, read, endMs, theme, t]);

  useEffect(() => {
    const current = plot.current;
    const mark = playhead.current;
    if (mark === null) return;
    mark.hidden = playheadMs === null || current === null;
    if (playheadMs === null || current === null) return;
    const left = current.valToPos(playheadMs / 1000, "x") + current.over.offsetLeft;
    mark.style.transform = `translateX(${left}px)`;
  }, [playheadMs, endMs]);

  const here = points.findIndex((one) => one.segment === (read ?? selected));
  const walk = (event: KeyboardEvent): void => {
    const step = { ArrowLeft: here - 1, ArrowRight: here + 1, Home: 0, End: points.length - 1 }[event.key];
    const next = step === undefined ? undefined : points[Math.max(0, Math.min(points.length - 1, step))];
    const current = points[here];
    if (next !== undefined) onRead(next.segment);
    else if (event.key === "Enter" && current !== undefined) onChoose(current.segment);
    else return;
    event.preventDefault();
  };
  const cursor =
    points.length === 0
      ? { role: "img" }
      : {
          role: "slider",
          tabIndex: 0,
          "aria-valuemin": 1,
          "aria-valuemax": points.length,
          "aria-valuenow": Math.max(0, here) + 1,
          "aria-valuetext": reading,
          onKeyDown: walk,
          onBlur: () => onRead(null),
        };
  return (
    <div
      className="chart"
      data-testid="emotion-chart"
      data-points={points.length}
      data-shifts={shifts.length}
      data-stretches={shape.stretches.length}
      data-gaps={shape.gaps.length}
      data-band={shape.banded}
    >
      <div ref={box} className="chart-plot" aria-label={label} data-testid="emotion-cursor" {...cursor} />
      <div ref={playhead} className="chart-playhead" hidden data-testid="playhead" />
    </div>
  );
}

/** The utterance that holds a moment, or else the one whose end is nearest. */
function nearestPoint(points: readonly EmotionPoint[], atMs: number): EmotionPoint | null {
  let best: EmotionPoint | null = null;
  let least = Infinity;
  for (const one of points) {
    const away = one.startMs <= atMs && atMs <= one.atMs ? 0 : Math.abs(one.atMs - atMs);
    if (away < least) [best, least] = [one, away];
  }
  return best;
}

function options(element: HTMLElement, scene: { readonly current: Scene | null }): uPlot.Options {
  const ink = (name: "arousal" | "valence" | "text" | "line") => (): string => scene.current?.inks[name] ?? "gray";
  const font = `11px ${getComputedStyle(element).fontFamily}`;
  const series = (name: "arousal" | "valence", dash: number[]): uPlot.Series => ({
    stroke: ink(name),
    width: 2,
    dash,
    points: { show: false },
  });
  const draw = (what: (plot: uPlot, scene: Scene, font: string) => void) => (plot: uPlot) => {
    if (scene.current !== null) what(plot, scene.current, font);
  };
  return {
    width: element.clientWidth,
    height: HEIGHT,
    legend: { show: false },
    cursor: { show: false },
    select: { show: false, left: 0, top: 0, width: 0, height: 0 },
    padding: [18, RIGHT, 0, 0],
    scales: {
      x: { time: false, range: () => [0, scene.current?.endS ?? SHORTEST_S] },
      y: { range: [-1.08, 1.08] },
    },
    axes: [
      {
        stroke: ink("text"),
        font,
        size: 24,
        space: 64,
        grid: { show: false },
        ticks: { stroke: ink("line"), size: 4, width: 1 },
        incrs: [5, 10, 15, 30, 60, 120, 300, 600, 1200, 1800, 3600],
        values: (_plot, splits) => splits.map((one) => clock(one * 1000)),
      },
      {
        stroke: ink("text"),
        font,
        size: LEFT,
        grid: { stroke: ink("line"), width: 1 },
        ticks: { show: false },
        splits: () => [-1, 0, 1],
        values: () => ["−1", "0", "+1"],
      },
    ],
    series: [{}, series("arousal", []), series("valence", [6, 4])],
    hooks: { drawAxes: [draw(drawGround)], draw: [draw(drawScene)] },
  };
}
