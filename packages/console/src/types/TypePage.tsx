import { Anchor, Badge, Group, Skeleton, Stack, Text, Title } from '@mantine/core';
import { useQuery } from '@tanstack/react-query';
import type { Catalog } from '@tidings/client/types';
import type { ReactNode } from 'react';
import { AnomaliesView } from '../analytics/AnomaliesView.tsx';
import { ExperimentsView } from '../analytics/ExperimentsView.tsx';
import { HeldReasons } from '../analytics/HeldReasons.tsx';
import { IfBegun } from '../analytics/IfBegun.tsx';
import { Course } from '../analytics/MessagesView.tsx';
import { MetricTiles } from '../analytics/MetricTiles.tsx';
import { getCatalog } from '../api/catalog.ts';
import type { CatalogNotification } from '../api/types.ts';
import { FactRows } from '../channels/FactTable.tsx';
import {
  linkToAnalytics,
  linkToCatalog,
  linkToDeliveries,
  linkToPreview,
  linkToTemplates,
  linkToTypes,
  linkToTypeTemplates,
  type MetricFilter,
  useParameter,
} from '../route.ts';
import { EmptyState } from '../shell/EmptyState.tsx';
import { CHANNELS } from '../shell/outcome.ts';
import { PageTitle } from '../shell/PageTitle.tsx';
import { Permitted } from '../shell/Permitted.tsx';
import { ProblemView } from '../shell/ProblemView.tsx';
import { listTypes } from '../shell/rule-parts.tsx';
import { t } from '../text/text.ts';

const SINCE = '28d';

/** One notification type: what it says, which rules send it, who got it, and what failed. */
export function TypePage({ name }: { name: string }) {
  const catalog = useQuery({ queryKey: ['catalog'], queryFn: getCatalog });
  const type = catalog.data?.notifications.find((one) => one.name === name);
  return (
    <Stack gap="md">
      <Anchor size="sm" href={linkToTypes()}>
        {t('All notification types')}
      </Anchor>
      <Group gap="sm">
        <PageTitle>{name}</PageTitle>
        {type && (
          <Badge variant="default" radius="sm" tt="none">
            {type.category.toLowerCase()}
          </Badge>
        )}
      </Group>
      {type?.description !== undefined && <Text className="break">{type.description}</Text>}
      {catalog.error && <ProblemView problem={catalog.error} retry={() => void catalog.refetch()} />}
      {catalog.isPending && <Skeleton height={320} />}
      {catalog.data && type === undefined && (
        <EmptyState title={t('The active catalog does not have this type')}>
          {t('What was sent before is still counted below, and can be found under Deliveries.')}
        </EmptyState>
      )}
      {catalog.data && <Contents name={name} type={type} catalog={catalog.data} />}
    </Stack>
  );
}

interface ContentsProps {
  readonly name: string;
  /** Undefined: the active catalog does not have it. */
  readonly type: CatalogNotification | undefined;
  readonly catalog: Catalog;
}

function Contents({ name, type, catalog }: ContentsProps) {
  const [since] = useParameter('since');
  const [until] = useParameter('until');
  const [reason] = useParameter('reason');
  const filter: MetricFilter = {
    ...{ type: name, channel: null, locale: null, variant: null, version: null },
    ...{ since: since ?? SINCE, until },
  };
  const rules = catalog.rules.filter((rule) => listTypes(rule).includes(name));
  return (
    <>
      <Group gap="md">
        <a href={linkToDeliveries(null, { type: name, since: filter.since })}>{t('Who got it')}</a>
        <a href={linkToDeliveries('dead', { type: name, since: filter.since })}>{t('What failed')}</a>
        <a href={linkToAnalytics('messages', filter)}>{t('Analytics')}</a>
        <a href={linkToTypeTemplates(name)}>{t('Edit its templates')}</a>
        <a href={linkToTemplates(name)}>{t('Templates of the API')}</a>
      </Group>
      {type && <Words type={type} />}
      <Part title={t('Rules that send it')}>
        {rules.length === 0 ? (
          <Text size="sm" c="dimmed">
            {t('None of the active catalog: requests or batches may.')}
          </Text>
        ) : (
          <Group gap="md" data-testid="type-rules">
            {rules.map((rule) => (
              <a key={rule.name} className="name" href={linkToCatalog('rule', rule.name)}>
                {rule.name}
              </a>
            ))}
          </Group>
        )}
      </Part>
      <Permitted scope="deliveries:read">
        <IfBegun filter={filter}>
          <MetricTiles filter={filter} />
          <Course
            filter={filter}
            toLink={({ since: from, until: to }) =>
              `${location.pathname}?${new URLSearchParams({ since: from ?? SINCE, ...(to !== null && { until: to }) })}`
            }
          />
          <HeldReasons filter={filter} reason={reason} />
          <Part title={t('Experiments')}>
            <ExperimentsView filter={filter} only={rules.map((rule) => rule.name)} />
          </Part>
        </IfBegun>
        <Part title={t('Volume')}>
          <AnomaliesView only={name} />
        </Part>
      </Permitted>
    </>
  );
}

function Part({ title, children }: { title: string; children: ReactNode }) {
  return (
    <Stack gap="xs" component="section" aria-label={title}>
      <Title order={2} size="h4">
        {title}
      </Title>
      {children}
    </Stack>
  );
}

/** A preview of each channel in each locale. */
function Words({ type: { name, channels, locales } }: { type: CatalogNotification }) {
  return (
    <Part title={t('What it says')}>
      <FactRows
        testId="type-words"
        items={channels}
        getId={(channel) => channel}
        columns={{
          [t('Channel')]: (channel) => CHANNELS[channel]?.label ?? channel,
          [t('Previews')]: (channel) => {
            const written = locales.filter((one) => one.channels.includes(channel));
            return written.length === 0 ? (
              <a href={linkToPreview({ type: name, channel })}>{t('Preview, without a template of its own')}</a>
            ) : (
              <Group gap="sm">
                {written.map(({ locale }) => (
                  <a
                    key={locale}
                    href={linkToPreview({ type: name, channel, locale })}
                    aria-label={t('Preview in {locale} by {channel}', {
                      locale,
                      channel: CHANNELS[channel]?.label ?? channel,
                    })}
                  >
                    {locale}
                  </a>
                ))}
              </Group>
            );
          },
          [t('Missing')]: (channel) => {
            const missing = locales.filter((one) => !one.channels.includes(channel)).map(({ locale }) => locale);
            return missing.length === 0 || missing.length === locales.length ? '–' : missing.join(', ');
          },
        }}
      />
    </Part>
  );
}
