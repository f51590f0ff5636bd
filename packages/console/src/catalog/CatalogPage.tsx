import { Badge, Group, Paper, SimpleGrid, Skeleton, Stack, Text, Title } from '@mantine/core';
import { useQuery } from '@tanstack/react-query';
import type { Catalog } from '@tidings/client/types';
import { useEffect } from 'react';
import { getCatalog } from '../api/catalog.ts';
import { PageTitle } from '../shell/PageTitle.tsx';
import { ProblemView } from '../shell/ProblemView.tsx';
import { ChannelName } from '../shell/StatusBadge.tsx';
import { Time } from '../shell/Time.tsx';
import { T } from '../text/T.tsx';
import { t } from '../text/text.ts';
import { RuleCard } from './RuleCard.tsx';

/** The active catalog: its rules and notification types. `at`: the one to scroll to and mark, as `data-at` names it, or null. */
export function CatalogPage({ at }: { at: string | null }) {
  const catalog = useQuery({
    queryKey: ['catalog'],
    queryFn: getCatalog,
    meta: { topics: ['catalog', 'releases'], every: 5000 },
  });
  const isLoaded = catalog.data !== undefined;
  useEffect(() => {
    if (at === null || !isLoaded) return;
    const part = document.querySelector(`[data-at="${CSS.escape(at)}"]`);
    part?.scrollIntoView({ block: 'center' });
    part?.setAttribute('data-marked', '');
    return () => part?.removeAttribute('data-marked');
  }, [at, isLoaded]);
  return (
    <Stack gap="md">
      <Group gap="sm" align="baseline">
        <PageTitle>{t('Active catalog')}</PageTitle>
        {catalog.data && (
          <Text size="sm" c="dimmed" data-testid="catalog-version">
            {catalog.data.applied_at === null ? (
              t('version {version}', { version: catalog.data.version })
            ) : (
              <T
                text="version {version}, applied {time}"
                values={{ version: catalog.data.version, time: <Time value={catalog.data.applied_at} /> }}
              />
            )}
          </Text>
        )}
      </Group>
      {catalog.error && <ProblemView problem={catalog.error} retry={() => catalog.refetch()} />}
      {catalog.isPending && <Skeleton height={320} />}
      {catalog.data && <Contents catalog={catalog.data} />}
    </Stack>
  );
}

function Contents({ catalog }: { catalog: Catalog }) {
  return (
    <>
      <Title order={2} size="h4">
        {t('Rules')}
      </Title>
      <SimpleGrid cols={{ base: 1, sm: 2 }} spacing="md">
        {catalog.rules.map((rule) => (
          <RuleCard key={rule.name} rule={rule} />
        ))}
      </SimpleGrid>
      {catalog.groups.length > 0 && (
        <>
          <Title order={2} size="h4" mt="sm">
            {t('Groups')}
          </Title>
          <Paper withBorder className="rows">
            {catalog.groups.map((group) => (
              <div key={group.name} className="row event-type-row" data-testid="group">
                <span className="name">{group.name}</span>
                <Text component="span" size="sm">
                  {t('shared by all rules of the group: {limits}', { limits: group.limits.join(', ') })}
                </Text>
              </div>
            ))}
          </Paper>
        </>
      )}
      <Title order={2} size="h4" mt="sm">
        {t('Notification types')}
      </Title>
      <Paper withBorder className="rows">
        {catalog.notifications.map((type) => (
          <div
            key={type.name}
            className="row catalog-row"
            data-testid="notification-type"
            data-at={`type:${type.name}`}
          >
            <span className="name">{type.name}</span>
            <Text component="span" size="sm" c="dimmed">
              {type.description}
            </Text>
            <Group gap="md">
              {type.channels.map((channel) => (
                <ChannelName key={channel} channel={channel} />
              ))}
            </Group>
            <Badge variant="default" radius="sm" tt="none">
              {type.category.toLowerCase()}
            </Badge>
          </div>
        ))}
      </Paper>
      <Title order={2} size="h4" mt="sm">
        {t('Event types')}
      </Title>
      <Paper withBorder className="rows">
        {catalog.events.map((type) => (
          <div key={type.name} className="row event-type-row" data-testid="event-type" data-at={`event:${type.name}`}>
            <span className="name">{type.name}</span>
            <Text component="span" size="sm" c="dimmed">
              {type.description}
            </Text>
          </div>
        ))}
      </Paper>
    </>
  );
}
