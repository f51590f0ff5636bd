import { Paper, Skeleton, Text } from '@mantine/core';
import { useQuery } from '@tanstack/react-query';
import type { ReactNode } from 'react';
import { getSeries, getSummary, getWaiting } from '../api/overview.ts';
import { linkToDeliveries, linkToWaiting } from '../route.ts';
import { useScopes } from '../shell/use-scopes.ts';
import { t } from '../text/text.ts';
import { Spark } from './OutcomeChart.tsx';
import { countFailed, countSent, formatNumber, type Values } from './series.ts';

const HOUR = 3_600_000;
const DAY = 24 * HOUR;
const POLL_MS = 60_000;
/** The past changes by late receipts only. */
const SLOW_POLL_MS = 600_000;

/** The last 24 hours in four numbers, each with its course and the change to the same hours a week before. */
export function Tiles() {
  const may = useScopes();
  const day = useQuery({
    // As the chart of this span has them.
    queryKey: ['overview', 'series', '24h'],
    queryFn: () => getSeries(Date.now() - DAY, Date.now(), 'hour'),
    meta: { topics: ['metrics'], every: POLL_MS },
  });
  const before = useQuery({
    queryKey: ['overview', 'week before'],
    queryFn: () => getSummary(Date.now() - 8 * DAY, Date.now() - 7 * DAY),
    meta: { topics: ['metrics'], every: SLOW_POLL_MS },
    staleTime: SLOW_POLL_MS,
  });
  const waiting = useQuery({
    queryKey: ['overview', 'waiting'],
    queryFn: getWaiting,
    enabled: may('waits:read'),
    meta: { topics: ['waits'], every: SLOW_POLL_MS },
    staleTime: SLOW_POLL_MS,
  });
  if (!day.data) return <Skeleton height={112} />;
  const hours = day.data.points.map(({ metrics }) => metrics);
  const tile = (label: string, count: (values: Values) => number, others: ReactNode = null) => {
    const values = hours.map(count);
    const sum = values.reduce((total, value) => total + value, 0);
    return (
      <Tile label={label} value={formatNumber(sum)} spark={<Spark values={values} />}>
        {others}
        {before.data && <Change now={sum} before={count(before.data.metrics)} />}
      </Tile>
    );
  };
  const failed = hours.reduce((sum, values) => sum + countFailed(values), 0);
  const isAtLeast = waiting.data?.rules.some((rule) => rule.at_least) ?? false;
  const waits = waiting.data?.rules.reduce((sum, rule) => sum + rule.waits, 0);
  return (
    <section aria-label={t('Last 24 hours')}>
      <Text size="xs" c="dimmed" mb={4}>
        {t('Last 24 hours')}
      </Text>
      <div className="tiles" data-testid="tiles">
        {tile(t('Events in'), ({ events }) => events ?? 0)}
        {tile(t('Decided to send'), ({ decided }) => decided ?? 0)}
        {tile(
          t('Sent, and not returned'),
          countSent,
          <>
            <span className="tile-failed" data-failed={failed > 0 || undefined}>
              {t('{failed} failed', { failed: formatNumber(failed) })}
            </span>
            <a href={linkToDeliveries(null, { since: '24h' })}>{t('See deliveries')}</a>
          </>,
        )}
        <Tile
          label={t('Waiting now')}
          href={linkToWaiting()}
          value={waits === undefined ? '–' : `${formatNumber(waits)}${isAtLeast ? '+' : ''}`}
        >
          <Text size="xs" c="dimmed">
            {waiting.data
              ? t('{rules, plural, one {in # rule} other {in # rules}}', { rules: waiting.data.rules.length })
              : t('not known')}
          </Text>
        </Tile>
      </div>
    </section>
  );
}

interface TileProps {
  readonly label: string;
  /** Page of just what is counted; absent: no page has that. */
  readonly href?: string;
  readonly value: string;
  readonly spark?: ReactNode;
  readonly children: ReactNode;
}

/** One number with a label, which leads to its page if there is one. */
export function Tile({ label, href, value, spark, children }: TileProps) {
  return (
    <Paper withBorder p="sm" className="tile" data-testid="tile">
      <div className="tile-head">{href === undefined ? label : <a href={href}>{label}</a>}</div>
      <div className="tile-value">{value}</div>
      {spark}
      <div className="tile-notes">{children}</div>
    </Paper>
  );
}

/** The change to the same hours a week before, in words: more is not always better. */
function Change({ now, before }: { now: number; before: number }) {
  const words =
    before === 0
      ? now === 0
        ? t('as a week before')
        : t('none a week before')
      : t('{change} to a week before', {
          change: `${now >= before ? '+' : '−'}${Math.abs(Math.round((100 * (now - before)) / before))}%`,
        });
  return (
    <Text size="xs" c="dimmed">
      {words}
    </Text>
  );
}
