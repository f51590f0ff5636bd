import { Skeleton, Stack, Text, Title } from '@mantine/core';
import { useQuery } from '@tanstack/react-query';
import { getGroupsOf } from '../api/metrics.ts';
import { FactRows } from '../channels/FactTable.tsx';
import { toQuery } from '../filters/filter.ts';
import { countFailed, countOut, formatNumber, type TypeSums } from '../overview/series.ts';
import { linkToAnalytics, type MetricFilter, useParameter } from '../route.ts';
import { CHANNELS } from '../shell/outcome.ts';
import { ProblemView } from '../shell/ProblemView.tsx';
import { formatCount, t } from '../text/text.ts';
import { ExportButtons } from './ExportButtons.tsx';
import { formatCosts } from './MetricTiles.tsx';
import { formatRate, KEPT_APART, toParameters } from './metric-filter.ts';

const GROUPS = {
  type: t('Type'),
  channel: t('Channel'),
  locale: t('Locale'),
  variant: t('Variant'),
  version: t('Version'),
};
type Group = keyof typeof GROUPS;

const POLL_MS = 60_000;
const ROWS = 50;

/** The messages of a filter by one more field, each value with its rates. */
export function Breakdown({ filter }: { filter: MetricFilter }) {
  const [asked, setAsked] = useParameter('by');
  const apart = KEPT_APART.find((name) => filter[name] !== null);
  const groups = (Object.keys(GROUPS) as Group[]).filter(
    (each) => filter[each] === null && (apart === undefined || each === 'type' || each === 'channel'),
  );
  const by = groups.find((each) => each === asked) ?? groups[0];
  const found = useQuery({
    queryKey: ['metrics', 'groups', by, toQuery(filter)],
    queryFn: () => getGroupsOf(toParameters(filter, Date.now()), by ?? 'type'),
    enabled: by !== undefined,
    meta: { topics: ['metrics'], every: POLL_MS },
  });
  if (by === undefined) return null;
  const rows = found.data?.groups.filter(({ key }) => key !== '') ?? [];
  return (
    <Stack gap="xs" component="section" aria-label={t('Compared')}>
      <div className="section-head">
        <Title order={2} size="h4">
          {t(
            '{by, select, type {Compared by type} channel {Compared by channel} locale {Compared by locale} variant {Compared by variant} other {Compared by version}}',
            { by },
          )}
        </Title>
        <ExportButtons
          view="groups"
          name={`by-${by}`}
          toParameters={() => ({ ...toParameters(filter, Date.now()), by })}
        />
      </div>
      <nav className="filter" aria-label={t('Compare by')}>
        {groups.map((each) => (
          <a
            key={each}
            href={`${linkToAnalytics('messages', filter)}${toQuery(filter) === '' ? '?' : '&'}by=${each}`}
            aria-current={each === by || undefined}
            onClick={(event) => {
              if (event.metaKey || event.ctrlKey) return;
              event.preventDefault();
              setAsked(each);
            }}
          >
            {GROUPS[each]}
          </a>
        ))}
      </nav>
      {found.error && <ProblemView problem={found.error} retry={() => void found.refetch()} />}
      {found.isPending && <Skeleton height={160} />}
      {found.data && rows.length === 0 && (
        <Text size="sm" c="dimmed">
          {t(by === 'variant' ? 'No test of templates has sent anything in this span.' : 'Nothing in this span.')}
        </Text>
      )}
      {rows.length > 0 && (
        <FactRows
          testId="breakdown"
          items={rows.slice(0, ROWS)}
          getId={({ key }: TypeSums) => key}
          numbers={[t('Sent'), t('Delivered'), t('Opened'), t('Clicked'), t('Failed'), t('Cost')]}
          columns={{
            [GROUPS[by]]: ({ key }) => (
              <a className="break" href={linkToAnalytics('messages', { ...filter, [by]: key })}>
                {by === 'channel' ? (CHANNELS[key as keyof typeof CHANNELS]?.label ?? key) : key}
              </a>
            ),
            [t('Sent')]: ({ metrics }) => formatNumber(countOut(metrics)),
            [t('Delivered')]: ({ metrics }) => formatRate(metrics.delivery_rate),
            [t('Opened')]: ({ metrics }) => formatRate(metrics.open_rate),
            [t('Clicked')]: ({ metrics }) => formatRate(metrics.click_rate),
            [t('Failed')]: ({ metrics }) => formatNumber(countFailed(metrics)),
            [t('Cost')]: ({ costs }) => formatCosts(costs),
          }}
        />
      )}
      {rows.length > ROWS && (
        <Text size="xs" c="dimmed">
          {t(
            found.data?.has_more
              ? 'The {shown, number} with the most messages of more than {all}; the export has all.'
              : 'The {shown, number} with the most messages of {all}; the export has all.',
            { shown: ROWS, all: formatCount(rows.length) },
          )}
        </Text>
      )}
    </Stack>
  );
}
