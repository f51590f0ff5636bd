import { escapeHtml } from '../../../src/lib/text/escape-html.ts';
import type { Sample } from './samples.ts';

/** An interruption, at a second of the soak. */
export interface Interruption {
  readonly at: number;
  readonly what: string;
}

interface Line {
  readonly name: string;
  readonly points: readonly (readonly [at: number, value: number | null])[];
}

interface Panel {
  readonly title: string;
  readonly unit: string;
  readonly isLogarithmic?: true;
  readonly lines: readonly Line[];
}

const WIDTH = 860;
const PLOT_WIDTH = 640;
const HEIGHT = 150;
const LEFT = 60;
const GAP = 58;
const TOP = 56;
const COLORS = ['#1f77b4', '#d62728', '#2ca02c', '#9467bd', '#ff7f0e', '#17becf', '#8c564b', '#7f7f7f'];

/** Draws a soak as SVG: throughput, latency, memory and sizes of tables one below the other, with a mark for each interruption. */
export function drawSoak(samples: readonly Sample[], interruptions: readonly Interruption[], title: string): string {
  const end = Math.max(1, ...samples.map(({ at }) => at));
  const panels: readonly Panel[] = [
    {
      title: 'Throughput',
      unit: '1/s',
      lines: [lineOf(samples, 'events', (s) => s.events), lineOf(samples, 'messages', (s) => s.messages)],
    },
    {
      title: 'Latency: answer to a request, and event to message',
      unit: 'ms',
      isLogarithmic: true,
      lines: [
        lineOf(samples, 'request p50', (s) => s.ingest?.p50),
        lineOf(samples, 'request p99', (s) => s.ingest?.p99),
        lineOf(samples, 'message p50', (s) => s.send?.p50),
        lineOf(samples, 'message p99', (s) => s.send?.p99),
      ],
    },
    { title: 'Memory', unit: 'MB', lines: linesBy(samples, (s) => s.memory) },
    { title: 'Tables with indexes', unit: 'MB', lines: linesBy(samples, (s) => s.sizes) },
  ];
  const height = TOP + panels.length * (HEIGHT + GAP);
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${WIDTH} ${height}" font-family="sans-serif" font-size="11">`,
    `<title>${escapeHtml(title)}</title>`,
    `<rect width="${WIDTH}" height="${height}" fill="#fff"/>`,
    `<text x="${LEFT}" y="20" font-size="14" font-weight="bold">${escapeHtml(title)}</text>`,
    `<text x="${LEFT}" y="36" fill="#666">${escapeHtml(describe(interruptions))}</text>`,
    ...panels.map((panel, index) => drawPanel(panel, TOP + index * (HEIGHT + GAP) + 16, end, interruptions)),
    '</svg>',
    '',
  ].join('\n');
}

function lineOf(samples: readonly Sample[], name: string, read: (sample: Sample) => number | null | undefined): Line {
  return { name, points: samples.map((sample) => [sample.at, read(sample) ?? null]) };
}

function linesBy(samples: readonly Sample[], read: (sample: Sample) => { readonly [name: string]: number }): Line[] {
  const names = [...new Set(samples.flatMap((sample) => Object.keys(read(sample))))];
  return names.map((name) => lineOf(samples, name, (sample) => read(sample)[name]));
}

function drawPanel(
  { title, unit, isLogarithmic, lines }: Panel,
  top: number,
  end: number,
  marks: readonly Interruption[],
): string {
  const values = lines.flatMap(({ points }) => points.flatMap(([, value]) => (value === null ? [] : [value])));
  const most = Math.max(1, ...values);
  const x = (at: number) => round(LEFT + (at / end) * PLOT_WIDTH);
  const share = (value: number) =>
    isLogarithmic ? Math.log10(Math.max(1, value)) / Math.log10(Math.max(10, most)) : value / most;
  const y = (value: number) => round(top + HEIGHT - Math.max(0, share(value)) * HEIGHT);
  const ticks = isLogarithmic
    ? Array.from({ length: Math.floor(Math.log10(Math.max(10, most))) + 1 }, (_, power) => 10 ** power)
    : [0, 0.25, 0.5, 0.75, 1].map((part) => part * most);
  return [
    `<text x="${LEFT}" y="${top - 6}" font-weight="bold">${escapeHtml(title)} (${unit})</text>`,
    ...marks.map(
      ({ at, what }) =>
        `<line x1="${x(at)}" x2="${x(at)}" y1="${top}" y2="${top + HEIGHT}" stroke="#ddd"><title>${escapeHtml(what)}</title></line>`,
    ),
    ...ticks.map(
      (tick) =>
        `<line x1="${LEFT}" x2="${LEFT + PLOT_WIDTH}" y1="${y(tick)}" y2="${y(tick)}" stroke="#eee"/><text x="${LEFT - 6}" y="${y(tick) + 4}" text-anchor="end" fill="#666">${formatTick(tick)}</text>`,
    ),
    ...lines.map(
      ({ points }, index) =>
        `<path d="${toPath(points, x, y)}" fill="none" stroke="${colorOf(index)}" stroke-width="1.2"/>`,
    ),
    ...lines.map(
      ({ name }, index) =>
        `<text x="${LEFT + PLOT_WIDTH + 12}" y="${top + 10 + index * 15}" fill="${colorOf(index)}">${escapeHtml(name)}</text>`,
    ),
    ...[0, 0.25, 0.5, 0.75, 1].map(
      (part) =>
        `<text x="${x(part * end)}" y="${top + HEIGHT + 14}" text-anchor="middle" fill="#666">${formatTime(part * end)}</text>`,
    ),
  ].join('\n');
}

/** A gap in the values is a gap in the line. */
function toPath(points: Line['points'], x: (at: number) => number, y: (value: number) => number): string {
  let isDrawing = false;
  return points
    .map(([at, value]) => {
      if (value === null) {
        isDrawing = false;
        return '';
      }
      const command = isDrawing ? 'L' : 'M';
      isDrawing = true;
      return `${command}${x(at)} ${y(value)}`;
    })
    .join('');
}

function describe(interruptions: readonly Interruption[]): string {
  const counts = new Map<string, number>();
  for (const { what } of interruptions) counts.set(what, (counts.get(what) ?? 0) + 1);
  return `Vertical lines are interruptions: ${[...counts].map(([what, count]) => `${count} × ${what}`).join(', ') || 'none'}`;
}

const colorOf = (index: number) => COLORS[index % COLORS.length];
const round = (value: number) => Math.round(value * 10) / 10;
const formatTick = (value: number) => (value >= 1000 ? `${round(value / 1000)}k` : String(round(value)));
const formatTime = (seconds: number) => (seconds < 120 ? `${Math.round(seconds)} s` : `${round(seconds / 60)} min`);
