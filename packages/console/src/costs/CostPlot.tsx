import { Paper, Title } from '@mantine/core';
import { t } from '../text/text.ts';
import { type CurrencySums, formatMoney } from './sums.ts';

const HEIGHT = 120;
/** Width of a day and of its bar. */
const STEP = 20;
const BAR = 14;
/** Room for the labels below and above the bars. */
const BELOW = 18;
const ABOVE = 16;

/** The costs of each day as bars, from zero, with the largest amount above them. A day without costs has no bar. */
export function CostPlot({ currency, total, days }: Pick<CurrencySums, 'currency' | 'total' | 'days'>) {
  const max = Math.max(...days.map(({ amount }) => amount), 0);
  const toHeight = (amount: number) => (max === 0 ? 0 : (HEIGHT * Math.max(0, amount)) / max);
  const [first, last] = [days[0]?.day ?? '', days.at(-1)?.day ?? ''];
  const width = days.length * STEP;
  const label = t('Costs by day from {first} to {last}: {total} together, at most {max} a day', {
    first,
    last,
    total: formatMoney(total, currency),
    max: formatMoney(max, currency),
  });
  return (
    <>
      <Title order={2} size="h4">
        {formatMoney(total, currency)}
      </Title>
      <Paper withBorder p="md">
        <svg
          role="img"
          aria-label={label}
          className="cost-plot"
          viewBox={`0 0 ${width} ${ABOVE + HEIGHT + BELOW}`}
          data-testid="cost-plot"
        >
          <text x={0} y={ABOVE - 5}>
            {formatMoney(max, currency)}
          </text>
          {days.map(({ day, amount }, index) => (
            <rect
              key={day}
              x={index * STEP + (STEP - BAR) / 2}
              y={ABOVE + HEIGHT - toHeight(amount)}
              width={BAR}
              height={toHeight(amount)}
              data-day={day}
            >
              <title>{`${day}: ${formatMoney(amount, currency)}`}</title>
            </rect>
          ))}
          <line x1={0} x2={width} y1={ABOVE + HEIGHT} y2={ABOVE + HEIGHT} />
          <text x={0} y={ABOVE + HEIGHT + BELOW - 4}>
            {first}
          </text>
          <text x={width} y={ABOVE + HEIGHT + BELOW - 4} textAnchor="end">
            {last}
          </text>
        </svg>
      </Paper>
    </>
  );
}
