/** The emotion curve, drawn by uPlot. Whoever cannot see it reads the sentence and the table beside it. */

import { useEffect, useRef } from "react";
import uPlot from "uplot";
import "uplot/dist/uPlot.min.css";
import { useText } from "../i18n/text";
import { useTheme } from "../ui/theme";
import type { TimedShift } from "../wire/state";
import { drawScene, readInks, type Scene } from "./chartScene";
import type { EmotionPoint } from "./course";
import { clock } from "../ui/time";

interface EmotionChartProps {
  readonly label: string;
  readonly points: readonly EmotionPoint[];
  readonly shifts: readonly TimedShift[];
  readonly endMs: number;
  readonly selected: number | null;
  readonly playheadMs: number | null;
  readonly onChoose: (segment: number) => void;
}

const HEIGHT = 168;
/** The time axis never shows less than this, so that the first points do not jump about. */
const SHORTEST_S = 30;

export function EmotionChart({ label, points, shifts, endMs, selected, playheadMs, onChoose }: EmotionChartProps) {
  const { t } = useText();
  const theme = useTheme();
  const box = useRef<HTMLDivElement>(null);
  const playhead = useRef<HTMLDivElement>(null);
  const plot = useRef<uPlot | null>(null);
  const scene = useRef<Scene | null>(null);
  const choose = useRef(onChoose);

  useEffect(() => {
    choose.current = onChoose;
  }, [onChoose]);

  useEffect(() => {
    const element = box.current;
    if (element === null) return;
    const made = new uPlot(options(element, scene), [[], [], []], element);
    plot.current = made;
    const observer = new ResizeObserver(() => made.setSize({ width: element.clientWidth, height: HEIGHT }));
    observer.observe(element);
    const pick = (event: MouseEvent): void => {
      const current = scene.current;
      if (current === null) return;
      const atMs = made.posToVal(event.clientX - made.over.getBoundingClientRect().left, "x") * 1000;
      const nearest = nearestPoint(current.points, atMs);
      if (nearest !== null) choose.current(nearest.segment);
    };
    made.over.addEventListener("click", pick);
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
      shifts,
      selected,
      endS: Math.max(SHORTEST_S, endMs / 1000),
      inks: readInks(element, theme),
      levels: t.words.level,
    };
    current.setData(
      [
        points.map((one) => one.atMs / 1000),
        points.map((one) => one.score.curve_arousal),
        points.map((one) => one.score.curve_valence),
      ],
      true,
    );
  }, [points, shifts, selected, endMs, theme, t]);

  useEffect(() => {
    const current = plot.current;
    const mark = playhead.current;
    if (mark === null) return;
    mark.hidden = playheadMs === null || current === null;
    if (playheadMs === null || current === null) return;
    const left = current.valToPos(playheadMs / 1000, "x") + current.over.offsetLeft;
    mark.style.transform = `translateX(${left}px)`;
  }, [playheadMs, endMs]);

  return (
    <div className="chart" data-testid="emotion-chart" data-points={points.length} data-shifts={shifts.length}>
      <div ref={box} role="img" aria-label={label} className="chart-plot" />
      <div ref={playhead} className="chart-playhead" hidden data-testid="playhead" />
    </div>
  );
}

function nearestPoint(points: readonly EmotionPoint[], atMs: number): EmotionPoint | null {
  let best: EmotionPoint | null = null;
  for (const one of points) {
    if (best === null || Math.abs(one.atMs - atMs) < Math.abs(best.atMs - atMs)) best = one;
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
  return {
    width: element.clientWidth,
    height: HEIGHT,
    legend: { show: false },
    cursor: { show: false },
    select: { show: false, left: 0, top: 0, width: 0, height: 0 },
    padding: [18, 18, 0, 0],
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
        size: 32,
        grid: { stroke: ink("line"), width: 1 },
        ticks: { show: false },
        splits: () => [-1, 0, 1],
        values: () => ["−1", "0", "+1"],
      },
    ],
    series: [{}, series("arousal", []), series("valence", [6, 4])],
    hooks: {
      draw: [
        (plot) => {
          if (scene.current !== null) drawScene(plot, scene.current, font);
        },
      ],
    },
  };
}
