/** What is drawn around the lines of the curve: uncertainty, gaps, levels and shifts, points, the chosen utterance. */

import type uPlot from "uplot";
import type { Level } from "../wire/events";
import type { TimedShift } from "../wire/state";
import type { EmotionPoint } from "./course";
import { isKnown, type CurveShape, type Vertex } from "./curveShape";

const INKS = {
  arousal: "--arousal",
  valence: "--valence",
  text: "--muted",
  line: "--line",
  edge: "--edge",
  ground: "--surface",
  settled: "--muted",
  tense: "--tense",
  upset: "--upset",
  chosen: "--chosen",
} as const;

const DIMENSIONS = ["arousal", "valence"] as const;

export type Inks = Readonly<Record<keyof typeof INKS, string>>;

export interface Scene {
  readonly points: readonly EmotionPoint[];
  readonly shape: CurveShape;
  readonly shifts: readonly TimedShift[];
  readonly selected: number | null;
  /** The utterance whose figures are read out, by pointer or keyboard. */
  readonly read: number | null;
  readonly endS: number;
  readonly inks: Inks;
  readonly levels: Readonly<Record<Level, string>>;
  /** What stands in a gap, where it fits. */
  readonly silence: string;
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

/** A canvas with the plot's coordinates; everything is in canvas pixels. */
class Sheet {
  readonly ctx: CanvasRenderingContext2D;
  readonly left: number;
  readonly top: number;
  readonly width: number;
  readonly height: number;
  /** Canvas pixels per CSS pixel. */
  readonly ratio = window.devicePixelRatio;

  constructor(
    readonly plot: uPlot,
    readonly font: string,
  ) {
    this.ctx = plot.ctx;
    ({ left: this.left, top: this.top, width: this.width, height: this.height } = plot.bbox);
  }

  get bottom(): number {
    return this.top + this.height;
  }

  x(ms: number): number {
    return this.plot.valToPos(ms / 1000, "x", true);
  }

  y(value: number): number {
    return this.plot.valToPos(value, "y", true);
  }

  line(x1: number, y1: number, x2: number, y2: number): void {
    this.ctx.beginPath();
    this.ctx.moveTo(x1, y1);
    this.ctx.lineTo(x2, y2);
    this.ctx.stroke();
  }

  setFont(size: number): void {
    this.ctx.font = this.font.replace("11px", `${size * this.ratio}px`);
  }
}

/** Below the lines: the chosen utterance, gaps, the bands of uncertainty. */
export function drawGround(plot: uPlot, scene: Scene, font: string): void {
  const sheet = new Sheet(plot, font);
  const { ctx } = sheet;
  ctx.save();
  const chosen = scene.points.find((one) => one.segment === scene.selected);
  if (chosen !== undefined) {
    ctx.fillStyle = scene.inks.chosen;
    const start = sheet.x(chosen.startMs);
    ctx.fillRect(start, sheet.top, Math.max(2 * sheet.ratio, sheet.x(chosen.atMs) - start), sheet.height);
  }
  for (const gap of scene.shape.gaps) drawGap(sheet, scene, sheet.x(gap.startMs), sheet.x(gap.endMs));
  if (scene.shape.banded) {
    for (const name of DIMENSIONS) {
      ctx.fillStyle = ctx.strokeStyle = scene.inks[name];
      for (const stretch of scene.shape.stretches) drawBand(sheet, stretch[name]);
    }
  }
  ctx.restore();
}

/** Slanted lines where the caller was silent for long. */
function drawGap(sheet: Sheet, scene: Scene, from: number, to: number): void {
  const { ctx, ratio, top, height, bottom } = sheet;
  ctx.save();
  ctx.beginPath();
  ctx.rect(from, top, to - from, height);
  ctx.clip();
  ctx.strokeStyle = scene.inks.line;
  ctx.lineWidth = ratio;
  for (let at = from - height; at < to; at += 7 * ratio) sheet.line(at, bottom, at + height, top);
  sheet.setFont(10);
  const wide = ctx.measureText(scene.silence).width + 8 * ratio;
  if (wide < to - from) {
    const middle = (from + to) / 2;
    ctx.fillStyle = scene.inks.ground;
    ctx.fillRect(middle - wide / 2, bottom - 17 * ratio, wide, 15 * ratio);
    ctx.fillStyle = scene.inks.text;
    ctx.textAlign = "center";
    ctx.textBaseline = "middle";
    ctx.fillText(scene.silence, middle, bottom - 9.5 * ratio);
  }
  ctx.restore();
}

function drawBand(sheet: Sheet, vertices: readonly Vertex[]): void {
  const { ctx } = sheet;
  const edge = (side: "low" | "high"): Path2D => {
    const path = new Path2D();
    for (const [index, one] of vertices.entries()) {
      path[index === 0 ? "moveTo" : "lineTo"](sheet.x(one.atMs), sheet.y(one[side]));
    }
    return path;
  };
  const area = edge("high");
  for (const one of [...vertices].reverse()) area.lineTo(sheet.x(one.atMs), sheet.y(one.low));
  ctx.globalAlpha = 0.15;
  ctx.fill(area);
  ctx.globalAlpha = 0.4;
  ctx.lineWidth = sheet.ratio;
  ctx.stroke(edge("low"));
  ctx.stroke(edge("high"));
  ctx.globalAlpha = 1;
}

/** Above the lines: levels, shifts and points. */
export function drawScene(plot: uPlot, scene: Scene, font: string): void {
  const sheet = new Sheet(plot, font);
  sheet.ctx.save();
  drawLevels(sheet, scene);
  drawShifts(sheet, scene);
  const read = scene.points.find((one) => one.segment === scene.read);
  if (read !== undefined) {
    sheet.ctx.strokeStyle = scene.inks.edge;
    sheet.ctx.lineWidth = sheet.ratio;
    sheet.line(sheet.x(read.atMs), sheet.top, sheet.x(read.atMs), sheet.bottom);
  }
  for (const point of scene.points) {
    if (!isKnown(point, scene.shape.banded)) drawUnknown(sheet, scene, point);
    else for (const name of DIMENSIONS) drawPoint(sheet, scene, point, name);
  }
  sheet.ctx.restore();
}

/** A strip along the upper edge, as long as a level above settled lasted. */
function drawLevels(sheet: Sheet, { shifts, inks, endS }: Scene): void {
  for (const [index, shift] of shifts.entries()) {
    if (shift.current === "settled") continue;
    const from = sheet.x(shift.atMs);
    sheet.ctx.fillStyle = inks[shift.current];
    sheet.ctx.fillRect(from, sheet.top, sheet.x(shifts[index + 1]?.atMs ?? endS * 1000) - from, 3 * sheet.ratio);
  }
}

function drawShifts(sheet: Sheet, scene: Scene): void {
  const { ctx, ratio, left, top, width, bottom } = sheet;
  sheet.setFont(11);
  ctx.textBaseline = "bottom";
  let free = left;
  for (const shift of scene.shifts) {
    const at = sheet.x(shift.atMs);
    ctx.strokeStyle = ctx.fillStyle = scene.inks[shift.current];
    ctx.lineWidth = ratio;
    ctx.setLineDash([3 * ratio, 3 * ratio]);
    sheet.line(at, top - 2 * ratio, at, bottom);
    ctx.setLineDash([]);
    const text = scene.levels[shift.current];
    // Names of shifts that follow each other closely stand side by side instead of on one another.
    const long = ctx.measureText(text).width;
    const start = Math.max(Math.min(at - 2 * ratio, left + width - long), free);
    ctx.fillText(text, start, top - 3 * ratio);
    free = start + long + 6 * ratio;
  }
}

/** A dotted stroke as long as an utterance that told nothing. */
function drawUnknown(sheet: Sheet, scene: Scene, point: EmotionPoint): void {
  const { ctx, ratio } = sheet;
  const marked = point.segment === scene.selected || point.segment === scene.read;
  ctx.strokeStyle = scene.inks.edge;
  ctx.lineWidth = (marked ? 3 : 2) * ratio;
  ctx.setLineDash([2 * ratio, 3 * ratio]);
  sheet.line(sheet.x(point.startMs), sheet.y(0), sheet.x(point.atMs), sheet.y(0));
  ctx.setLineDash([]);
}

/** A disc for arousal, a diamond for valence: told apart without colour; hollow while provisional. */
function drawPoint(sheet: Sheet, scene: Scene, point: EmotionPoint, name: "arousal" | "valence"): void {
  const { ctx, ratio } = sheet;
  const marked = point.segment === scene.selected || point.segment === scene.read;
  const radius = (marked ? 4.5 : 3) * ratio;
  const [x, y] = [sheet.x(point.atMs), sheet.y(point[name].value)];
  ctx.beginPath();
  if (name === "arousal") ctx.arc(x, y, radius, 0, 2 * Math.PI);
  else {
    const reach = radius * 1.3;
    ctx.moveTo(x, y - reach);
    ctx.lineTo(x + reach, y);
    ctx.lineTo(x, y + reach);
    ctx.lineTo(x - reach, y);
    ctx.closePath();
  }
  ctx.fillStyle = point.provisional ? scene.inks.ground : scene.inks[name];
  ctx.strokeStyle = scene.inks[name];
  ctx.lineWidth = 1.5 * ratio;
  ctx.fill();
  ctx.stroke();
}
