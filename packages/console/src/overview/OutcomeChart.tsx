import { useElementSize } from '@mantine/hooks';
import type { MetricMarker, MetricSeries } from '@tidings/client/types';
import { Fragment, memo, type ReactNode } from 'react';
import { linkToDeliveries, openLink, type TimeSpan } from '../route.ts';
import { formatFull } from '../shell/time-format.ts';
import { useZone } from '../shell/zone.ts';
import { getLocale, t } from '../text/text.ts';
import { formatNumber, OUTCOMES, spanOf } from './series.ts';
import { type Brush, useBrush } from './use-brush.ts';

/** Width before it is measured. */
const USUAL_WIDTH = 960;
const HEIGHT = 200;
/** Room for the labels at the left, above and below. */
const LEFT = 44;
const ABOVE = 18;
const BELOW = 20;

interface ChartProps {
  /** With the changes of the catalog, which are marked. */
  readonly series: MetricSeries;
  /** The same of the period before, drawn as a line; absent: no comparison. */
  readonly before?: MetricSeries | undefined;
  /** Returns the page of a bar. */
  readonly toLink?: (span: TimeSpan) => string;
  /** Shows a part of the span; absent: no part can be chosen. */
  readonly onZoom?: ((span: TimeSpan) => void) | undefined;
}

/** Returns the width of a chart, as wide as there is room, and that of its bars. A drawing that is scaled has letters that are too small. */
function useWidth() {
  const { ref, width: measured } = useElementSize<HTMLDivElement>();
  const width = measured === 0 ? USUAL_WIDTH : measured;
  return { ref, width, inner: width - LEFT };
}

interface PlotProps {
  readonly frame: ReturnType<typeof useWidth>['ref'];
  readonly label: string;
  readonly width: number;
  readonly testId: string;
  readonly onChoose?: ((chosen: Brush) => void) | undefined;
  readonly children: ReactNode;
}

/** A drawing. What has a `data-href` in it leads there by a click; the table below has the same as links, for the keyboard. */
function Plot({ frame, label, width, testId, onChoose, children }: PlotProps) {
  const { brush, handlers } = useBrush(onChoose, width);
  const follow = ({ target }: { target: EventTarget }) => {
    const href = target instanceof Element ? target.closest<SVGElement>('[data-href]')?.dataset.href : undefined;
    if (href !== undefined) openLink(href);
  };
  return (
    <div ref={frame}>
      {/* biome-ignore lint/a11y/useKeyWithClickEvents: the table below has the same as links */}
      <svg
        role="img"
        onClick={follow}
        {...handlers}
        aria-label={label}
        className="chart"
        data-brush={onChoose !== undefined || undefined}
        viewBox={`0 0 ${width} ${ABOVE + HEIGHT + BELOW}`}
        data-testid={testId}
      >
        {children}
        {brush && (
          <rect className="chart-brush" x={brush.start} y={ABOVE} width={brush.end - brush.start} height={HEIGHT} />
        )}
      </svg>
    </div>
  );
}

const toDeliveries = (span: TimeSpan) => linkToDeliveries(null, { ...span });

/** Messages by outcome over time, as stacked bars from zero, with a mark for each change of the catalog. */
export const OutcomeChart = memo(({ series, before, toLink = toDeliveries, onZoom }: ChartProps) => {
  const zone = useZone();
  const { points } = series;
  const bars = points.map(({ at, metrics }) => ({
    at,
    parts: OUTCOMES.map(({ key, color, label, count }) => ({ key, color, label, count: count(metrics) })),
  }));
  const sums = bars.map(({ parts }) => parts.reduce((sum, { count }) => sum + count, 0));
  const earlier = before?.points.slice(0, points.length).map(({ metrics }) => countAll(metrics)) ?? [];
  // Even: half of it stands at the axis as well.
  const max = 2 * Math.ceil(Math.max(...sums, ...earlier, 1) / 2);
  const { ref, width, inner } = useWidth();
  const step = inner / Math.max(1, bars.length);
  const choose = ({ start, end }: Brush) => {
    const at = (x: number) => Math.min(points.length - 1, Math.max(0, Math.floor((x - LEFT) / step)));
    const [first, last] = [points[at(start)], points[at(end)]];
    if (first && last) onZoom?.({ since: first.at, until: spanOf(series, last.at).until });
  };
  const total = sums.reduce((sum, one) => sum + one, 0);
  return (
    <Plot
      frame={ref}
      label={t(
        'Messages by outcome: {total} together, at most {max} in one {grain, select, minute {minute} hour {hour} day {day} other {{grain}}}',
        { total, max: Math.max(...sums, 0), grain: series.grain },
      )}
      width={width}
      testId="outcome-chart"
      onChoose={onZoom && choose}
    >
      <Axis max={max} width={width} format={formatNumber} />
      {bars.map(({ at, parts }, index) => {
        let top = ABOVE + HEIGHT;
        const title = [
          formatFull(new Date(at), zone),
          ...parts.filter(({ count }) => count > 0).map(({ label, count }) => `${label}: ${count}`),
        ];
        return (
          <g key={at} data-testid="bar" data-href={toLink(spanOf(series, at))}>
            <title>{title.join('\n')}</title>
            <rect x={LEFT + index * step} y={ABOVE} width={step} height={HEIGHT} className="chart-hover" />
            {parts.map(({ key, color, count }) => {
              const height = (HEIGHT * count) / max;
              top -= height;
              return count === 0 ? null : (
                <rect
                  key={key}
                  x={LEFT + index * step + step * 0.1}
                  y={top}
                  width={step * 0.8}
                  height={height}
                  fill={`var(--mantine-color-${color})`}
                  data-outcome={key}
                />
              );
            })}
          </g>
        );
      })}
      {earlier.length > 0 && (
        <polyline
          className="chart-line"
          data-line="before"
          points={earlier
            .map((value, at) => `${LEFT + (at + 0.5) * step},${ABOVE + HEIGHT - (HEIGHT * value) / max}`)
            .join(' ')}
        />
      )}
      <Markers series={series} inner={inner} />
      <Ends series={series} width={width} />
    </Plot>
  );
});

/** Average and 95th percentile of the time until a provider accepted a message. */
export const TimeChart = memo(({ series }: Pick<ChartProps, 'series'>) => {
  const { points } = series;
  const { ref, width, inner } = useWidth();
  const step = inner / Math.max(1, points.length);
  const read = { average: 'avg_delivery_time_ms', p95: 'p95_delivery_time_ms' } as const;
  const values = points.flatMap(({ metrics }) => Object.values(read).flatMap((key) => metrics[key] ?? []));
  const max = Math.max(...values, 1);
  return (
    <Plot
      frame={ref}
      label={t('Time from the decision until a provider accepted the message: at most {time}', {
        time: formatMs(Math.max(...values, 0)),
      })}
      width={width}
      testId="time-chart"
    >
      <Axis max={max} width={width} format={formatMs} />
      {Object.entries(read).map(([name, key]) => (
        <Fragment key={name}>
          {toLines(points.map(({ metrics }) => metrics[key])).map((line) => (
            <polyline
              key={line[0]?.[0]}
              className="chart-line"
              data-line={name}
              points={line
                .map(([at, value]) => `${LEFT + (at + 0.5) * step},${ABOVE + HEIGHT - (HEIGHT * value) / max}`)
                .join(' ')}
            />
          ))}
        </Fragment>
      ))}
      <Ends series={series} width={width} />
    </Plot>
  );
});

/** Splits values at the gaps. A lone value becomes a short line, so that it can be seen. */
function toLines(values: readonly (number | null)[]): (readonly [at: number, value: number])[][] {
  const lines: (readonly [number, number])[][] = [];
  let line: (readonly [number, number])[] = [];
  for (const [at, value] of [...values, null].entries()) {
    if (value !== null) line.push([at, value]);
    else if (line.length > 0) {
      lines.push(line.length === 1 ? line.flatMap(([x, y]) => [[x - 0.3, y] as const, [x + 0.3, y] as const]) : line);
      line = [];
    }
  }
  return lines;
}

export function formatMs(ms: number): string {
  if (ms < 1000) return t('{count} ms', { count: Math.round(ms) });
  if (ms < 120_000) {
    const digits = { minimumFractionDigits: 1, maximumFractionDigits: 1 };
    return t('{count} s', { count: (ms / 1000).toLocaleString(getLocale(), digits) });
  }
  return ms < 7_200_000
    ? t('{count} min', { count: Math.round(ms / 60_000) })
    : t('{count} h', { count: Math.round(ms / 3_600_000) });
}

function Axis({ max, width, format }: { max: number; width: number; format: (value: number) => string }) {
  return [0, 0.5, 1].map((share) => {
    const y = ABOVE + HEIGHT * (1 - share);
    return (
      <g key={share}>
        <line x1={LEFT} x2={width} y1={y} y2={y} />
        {share > 0 && (
          <text x={LEFT - 6} y={y + 4} textAnchor="end">
            {format(max * share)}
          </text>
        )}
      </g>
    );
  });
}

function Ends({ series: { from, to }, width }: Pick<ChartProps, 'series'> & { width: number }) {
  const zone = useZone();
  const y = ABOVE + HEIGHT + 15;
  return (
    <>
      <text x={LEFT} y={y}>
        {formatFull(new Date(from), zone)}
      </text>
      <text x={width} y={y} textAnchor="end">
        {formatFull(new Date(to), zone)}
      </text>
    </>
  );
}

function Markers({ series: { from, to, markers }, inner }: Pick<ChartProps, 'series'> & { inner: number }) {
  const [start, end] = [Date.parse(from), Date.parse(to)];
  return markers.map((marker) => {
    const x = LEFT + (inner * (Date.parse(marker.at) - start)) / (end - start);
    return (
      <g key={`${marker.kind} ${marker.version} ${marker.at}`} className="chart-mark" data-testid="version-mark">
        <title>{describeMarker(marker)}</title>
        <line x1={x} x2={x} y1={ABOVE - 4} y2={ABOVE + HEIGHT} />
        <text x={x} y={ABOVE - 7} textAnchor="middle">
          {`v${marker.version}`}
        </text>
      </g>
    );
  });
}

/** Says what a mark in a chart stands for. */
function describeMarker({ kind, version, share, by, reason }: MetricMarker): string {
  const what = t(
    '{kind, select, applied {Catalog version {version} was applied by {by}} rolled_back {Catalog version {version} became active again by a rollback, by {by}} release_finished {Catalog version {version} is released to every user, by {by}} release_rolled_back {The release of catalog version {version} was rolled back by {by}} other {Catalog version {version} is released to {share}% of the users, by {by}}}',
    { kind, version, by, share: share ?? 0 },
  );
  return reason === null ? what : `${what}: ${reason}`;
}

const countAll = (metrics: MetricSeries['points'][number]['metrics']): number =>
  OUTCOMES.reduce((sum, { count }) => sum + count(metrics), 0);

/** A line without axes. The number beside it says the same. */
export function Spark({ values }: { values: readonly number[] }) {
  const max = Math.max(...values, 1);
  const step = 120 / Math.max(1, values.length - 1);
  return (
    <svg className="spark" viewBox="0 0 120 32" preserveAspectRatio="none" aria-hidden="true">
      <polyline points={values.map((value, at) => `${at * step},${31 - (30 * value) / max}`).join(' ')} />
    </svg>
  );
}
