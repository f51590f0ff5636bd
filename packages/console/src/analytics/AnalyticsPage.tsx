import { Stack } from '@mantine/core';
import { useQueries } from '@tanstack/react-query';
import { memo, useDeferredValue, useState } from 'react';
import { getGroupsOf } from '../api/metrics.ts';
import { FilterBar } from '../filters/FilterBar.tsx';
import { type FieldValue, type FilterField, toQuery } from '../filters/filter.ts';
import { countOut } from '../overview/series.ts';
import { ANALYTICS_PARTS, type AnalyticsPart, linkToAnalytics, type MetricFilter, type Route } from '../route.ts';
import { CHANNELS } from '../shell/outcome.ts';
import { PageTitle } from '../shell/PageTitle.tsx';
import { Permitted } from '../shell/Permitted.tsx';
import { useShownTab } from '../shell/use-shown-tab.ts';
import { t } from '../text/text.ts';
import { AnomaliesView } from './AnomaliesView.tsx';
import { ExperimentsView } from './ExperimentsView.tsx';
import { IfBegun } from './IfBegun.tsx';
import { MessagesView } from './MessagesView.tsx';
import { KEPT_APART, SPANS, toOffered, toParameters } from './metric-filter.ts';

const PARTS: Record<AnalyticsPart, { readonly label: string; readonly title: string }> = {
  messages: { label: t('Messages'), title: t('Analytics') },
  experiments: { label: t('Experiments'), title: t('Experiments') },
  anomalies: { label: t('Unusual volumes'), title: t('Unusual volumes') },
};

const DrawnMessages = memo(MessagesView);
const DrawnExperiments = memo(ExperimentsView);

/** Page of the numbers of messages in a span of time, of why others were not sent, of experiments, and of unusual volumes. */
export function AnalyticsPage({ route: { part, filter, reason } }: { route: Extract<Route, { page: 'analytics' }> }) {
  const { since, until } = filter;
  // Charts and tables are drawn anew after the choice itself is shown.
  const drawn = useDeferredValue(filter);
  return (
    <Stack gap="md">
      <PageTitle>{PARTS[part].title}</PageTitle>
      <nav ref={useShownTab(part)} className="tabs" aria-label={t('Parts of analytics')}>
        {ANALYTICS_PARTS.map((each) => (
          <a
            key={each}
            href={linkToAnalytics(each, each === 'messages' ? filter : { since, until })}
            aria-current={each === part ? 'page' : undefined}
          >
            {PARTS[each].label}
          </a>
        ))}
      </nav>
      <Permitted scope="deliveries:read">
        {part !== 'anomalies' && <SpanLinks part={part} filter={filter} />}
        {part === 'messages' && (
          <>
            <MetricFilterBar filter={filter} />
            <IfBegun filter={drawn}>
              <DrawnMessages filter={drawn} reason={reason} />
            </IfBegun>
          </>
        )}
        {part === 'experiments' && (
          <IfBegun filter={drawn}>
            <DrawnExperiments filter={drawn} />
          </IfBegun>
        )}
        {part === 'anomalies' && <AnomaliesView />}
      </Permitted>
    </Stack>
  );
}

function SpanLinks({ part, filter }: { part: AnalyticsPart; filter: MetricFilter }) {
  const chosen = toOffered(filter);
  return (
    <nav className="filter" aria-label={t('Span')}>
      {Object.entries(SPANS).map(([since, label]) => (
        <a
          key={since}
          href={linkToAnalytics(part, { ...filter, since, until: null })}
          aria-current={since === chosen || undefined}
        >
          {label}
        </a>
      ))}
    </nav>
  );
}

const CHANNEL_VALUES: readonly FieldValue[] = Object.entries(CHANNELS).map(([value, { label }]) => ({ value, label }));
const LABELS = { type: t('Type'), locale: t('Locale'), variant: t('Variant'), version: t('Version') };
const COUNTED = Object.keys(LABELS) as (keyof typeof LABELS)[];

function MetricFilterBar({ filter }: { filter: MetricFilter }) {
  // Values of a field are asked for when they are to be chosen from.
  const [opened, setOpened] = useState<readonly string[]>([]);
  const counted = useQueries({
    queries: COUNTED.map((by) => ({
      queryKey: ['metrics', 'values', by, toQuery(filter)],
      queryFn: () => {
        const others = by === 'type' ? {} : { locale: null, variant: null, version: null };
        return getGroupsOf(toParameters({ ...filter, ...others, [by]: null }, Date.now()), by);
      },
      enabled: opened.includes(by),
    })),
  });
  const fields: FilterField[] = COUNTED.map((name, index) => ({
    name,
    label: LABELS[name],
    values: counted[index]?.data?.groups
      .filter(({ key }) => key !== '')
      .map(({ key, metrics }) => ({ value: key, count: countOut(metrics) ?? 0 }))
      .sort((a, b) => b.count - a.count || a.value.localeCompare(b.value)),
  }));
  fields.splice(1, 0, { name: 'channel', label: t('Channel'), values: CHANNEL_VALUES });
  return (
    <FilterBar
      page="analytics"
      path={linkToAnalytics()}
      fields={fields}
      filter={filter}
      oneOf={KEPT_APART}
      onOpen={(name) => setOpened((known) => [...known, name])}
    />
  );
}
