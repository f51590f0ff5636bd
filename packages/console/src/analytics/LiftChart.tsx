import { useElementSize } from '@mantine/hooks';
import type { Experiment } from '@tidings/client/types';
import { t } from '../text/text.ts';
import { formatPoints } from './metric-filter.ts';

const ROW = 30;
const BELOW = 22;
/** Room for the names of the variants. */
const LEFT = 110;
const USUAL_WIDTH = 720;
const MAX_NAME_CHARS = 16;

/** Differences of the variants from the control, each as a point with a whisker over its interval. The table below says the same. */
export function LiftChart({ variants, control }: Pick<Experiment, 'variants' | 'control'>) {
  const { ref, width: measured } = useElementSize<HTMLDivElement>();
  const width = measured === 0 ? USUAL_WIDTH : measured;
  const drawn = variants.flatMap(({ variant, lift }) => (lift === null ? [] : [{ variant, lift }]));
  if (drawn.length === 0) return null;
  const max = Math.max(...drawn.flatMap(({ lift }) => [Math.abs(lift.low), Math.abs(lift.high)]), 0.001);
  const toX = (share: number) => LEFT + ((width - LEFT) * (share + max)) / (2 * max);
  const height = drawn.length * ROW;
  return (
    <div ref={ref} className="lift-frame">
      <svg
        role="img"
        aria-label={t('Differences from {control}, with their intervals', { control })}
        className="chart lift-chart"
        viewBox={`0 0 ${width} ${height + BELOW}`}
        data-testid="lift-chart"
      >
        <line x1={toX(0)} x2={toX(0)} y1={0} y2={height} className="lift-zero" />
        {drawn.map(({ variant, lift: { difference, low, high } }, index) => {
          const y = ROW * (index + 0.5);
          return (
            <g key={variant} data-sign={low > 0 ? 'better' : high < 0 ? 'worse' : 'none'}>
              <title>
                {t('{variant}: {low} to {high} points', {
                  variant,
                  low: formatPoints(low),
                  high: formatPoints(high),
                })}
              </title>
              <text x={0} y={y + 4}>
                {variant.length > MAX_NAME_CHARS ? `${variant.slice(0, MAX_NAME_CHARS - 1)}…` : variant}
              </text>
              <line x1={toX(low)} x2={toX(high)} y1={y} y2={y} className="whisker" />
              <line x1={toX(low)} x2={toX(low)} y1={y - 6} y2={y + 6} className="whisker" />
              <line x1={toX(high)} x2={toX(high)} y1={y - 6} y2={y + 6} className="whisker" />
              <circle cx={toX(difference)} cy={y} r={4.5} />
            </g>
          );
        })}
        <text x={LEFT} y={height + 15}>
          {formatPoints(-max)}
        </text>
        <text x={toX(0)} y={height + 15} textAnchor="middle">
          {t(control.length > MAX_NAME_CHARS ? 'as the control' : 'as {control}', { control })}
        </text>
        <text x={width} y={height + 15} textAnchor="end">
          {t('{points} points', { points: formatPoints(max) })}
        </text>
      </svg>
    </div>
  );
}
