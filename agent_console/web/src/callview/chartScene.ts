/** What is drawn over the curve: shifts, points, the chosen utterance. */

import type uPlot from "uplot";
import type { Level } from "../wire/events";
import type { TimedShift } from "../wire/state";
import type { EmotionPoint } from "./course";

const INKS = {
  arousal: "--arousal",
  valence: "--valence",
  text: "--muted",
  line: "--line",
  ground: "--surface",
  settled: "--muted",
  tense: "--tense",
  upset: "--upset",
  chosen: "--chosen",
} as const;

export type Inks = Readonly<Record<keyof typeof INKS, string>>;

export interface Scene {
  readonly points: readonly EmotionPoint[];
  readonly shifts: readonly TimedShift[];
  readonly selected: number | null;
  readonly endS: number;
  readonly inks: Inks;
  readonly levels: Readonly<Record<Level, string>>;
}

/**
 * The colours of the theme as a canvas understands them.
 *
 * The tokens are `light-dark()` pairs, which only a real property resolves; hence a probe. The theme is an argument
 * because the answer depends on it.
 */
export function readInks(near: HTMLElement, theme: string): Inks {
  const probe = document.createElement("span");
  probe.dataset.for = theme;
  near.append(probe);
  const inks = Object.fromEntries(
    Object.entries(INKS).map(([name, token]) => {
      probe.style.color = `var(${token})`;
      return [name, getComputedStyle(probe).color];
    }),
  );
  probe.remove();
  return inks as Inks;
}

/** Draw onto the finished plot; coordinates are canvas pixels. */
export function drawScene(plot: uPlot, scene: Scene, font: string): void {
  const ratio = window.devicePixelRatio;
  const ctx = plot.ctx;
  const { left, top, width, height } = plot.bbox;
  const x = (ms: number): number => plot.valToPos(ms / 1000, "x", true);
  const y = (value: number): number => plot.valToPos(value, "y", true);
  ctx.save();

  const chosen = scene.points.find((one) => one.segment === scene.selected);
  if (chosen !== undefined) {
    ctx.globalCompositeOperation = "destination-over";
    ctx.fillStyle = scene.inks.chosen;
    ctx.fillRect(x(chosen.startMs), top, Math.max(2 * ratio, x(chosen.atMs) - x(chosen.startMs)), height);
    ctx.globalCompositeOperation = "source-over";
  }

  ctx.font = font.replace("11px", `${11 * ratio}px`);
  ctx.textBaseline = "bottom";
  let free = left;
  for (const shift of scene.shifts) {
    const ink = scene.inks[shift.current];
    const at = x(shift.atMs);
    ctx.strokeStyle = ctx.fillStyle = ink;
    ctx.lineWidth = ratio;
    ctx.setLineDash([3 * ratio, 3 * ratio]);
    line(ctx, at, top - 2 * ratio, at, top + height);
    ctx.setLineDash([]);
    const text = scene.levels[shift.current];
    // Names of shifts that follow each other closely stand side by side instead of on one another.
    const long = ctx.measureText(text).width;
    const start = Math.max(Math.min(at - 2 * ratio, left + width - long), free);
    ctx.fillText(text, start, top - 3 * ratio);
    free = start + long + 6 * ratio;
  }

  ctx.setLineDash([]);
  for (const point of scene.points) {
    for (const name of ["arousal", "valence"] as const) {
      const value = name === "arousal" ? point.score.curve_arousal : point.score.curve_valence;
      ctx.beginPath();
      ctx.arc(x(point.atMs), y(value), (point.segment === scene.selected ? 4.5 : 3) * ratio, 0, 2 * Math.PI);
      ctx.fillStyle = point.provisional ? scene.inks.ground : scene.inks[name];
      ctx.strokeStyle = scene.inks[name];
      ctx.lineWidth = 1.5 * ratio;
      ctx.fill();
      ctx.stroke();
    }
  }
  ctx.restore();
}

function line(ctx: CanvasRenderingContext2D, x1: number, y1: number, x2: number, y2: number): void {
  ctx.beginPath();
  ctx.moveTo(x1, y1);
  ctx.lineTo(x2, y2);
  ctx.stroke();
}
