import { Button, Group, NativeSelect, Stack, Text, TextInput, Title } from '@mantine/core';
import { useQuery } from '@tanstack/react-query';
import type { Suppression, SuppressionPage, SuppressionSearch } from '@tidings/client/types';
import { useState } from 'react';
import { getSuppressions, searchSuppressions } from '../api/suppressions.ts';
import { FactRows } from '../channels/FactTable.tsx';
import { EmptyState } from '../shell/EmptyState.tsx';
import { LiveList } from '../shell/LiveList.tsx';
import { PAGE_MS, useLivePages } from '../shell/live-pages.ts';
import { PageTitle } from '../shell/PageTitle.tsx';
import { ProblemView } from '../shell/ProblemView.tsx';
import { uniqueBy } from '../shell/unique-by.ts';
import { useKeptFocus } from '../shell/use-kept-focus.ts';
import { t } from '../text/text.ts';
import { AddSuppression } from './AddSuppression.tsx';
import { ExportButton } from './ExportButton.tsx';
import { ImportSuppressions } from './ImportSuppressions.tsx';
import { SUPPRESSION_COLUMNS } from './suppression-columns.tsx';
import { SUPPRESSION_REASONS } from './suppression-words.ts';

type Reason = Suppression['reason'];

const getId = ({ suppression_id: id }: Suppression): string => id;

/** Page of the addresses that get no messages: found, added, imported and lifted, each with its evidence. */
export function SuppressionsPage() {
  const [reason, setReason] = useState<Reason | null>(null);
  const list = useLivePages<SuppressionPage, Suppression>({
    key: ['suppressions', reason],
    load: (after) => getSuppressions(reason, after),
    mergePages,
    getId,
    topics: ['suppressions'],
    every: PAGE_MS,
  });
  const container = useKeptFocus();
  return (
    <Stack gap="md" ref={container}>
      <PageTitle>{t('Suppressions')}</PageTitle>
      <Text size="sm" c="dimmed" maw={720}>
        {t('These addresses get no messages of a scope. Addresses are masked.')}
      </Text>
      <Finder />
      <Group justify="space-between" align="flex-end">
        <NativeSelect
          label={t('Reason')}
          data={[
            { value: '', label: t('all') },
            ...Object.entries(SUPPRESSION_REASONS).map(([value, label]) => ({ value, label })),
          ]}
          value={reason ?? ''}
          onChange={(event) => setReason((event.currentTarget.value || null) as Reason | null)}
          data-testid="suppression-reason"
        />
        <Group gap="xs">
          <AddSuppression />
          <ImportSuppressions />
          <ExportButton reason={reason} />
        </Group>
      </Group>
      <LiveList
        list={list}
        empty={
          <EmptyState title={t('No address is suppressed')}>
            {t('An address appears here when it bounces, when its user opts out, or when you add it.')}
          </EmptyState>
        }
      >
        {(items) => <FactRows testId="suppressions" items={items} getId={getId} columns={SUPPRESSION_COLUMNS} />}
      </LiveList>
    </Stack>
  );
}

function mergePages(pages: readonly SuppressionPage[]): Suppression[] {
  return uniqueBy(
    pages.flatMap((page) => page.suppressions),
    getId,
  );
}

/** Finds the suppressions of an address. The address is in no URL, and not kept. */
function Finder() {
  const [channel, setChannel] = useState<SuppressionSearch['channel']>('email');
  const [address, setAddress] = useState('');
  const [searched, setSearched] = useState<SuppressionSearch & { number: number }>();
  const found = useQuery({
    // A number in the place of the address: nothing is shown by its address elsewhere.
    queryKey: ['found-suppressions', searched?.number],
    queryFn: () => searchSuppressions({ channel: searched!.channel, address: searched!.address }),
    enabled: searched !== undefined,
    gcTime: 0,
  });
  const items = found.data?.suppressions;
  return (
    <Stack gap="sm" component="section" aria-label={t('Find an address')}>
      <form
        onSubmit={(event) => {
          event.preventDefault();
          if (address.trim() === '') return;
          setSearched({ channel, address: address.trim(), number: (searched?.number ?? 0) + 1 });
        }}
      >
        <Group gap="sm" align="flex-end">
          <NativeSelect
            label={t('Channel')}
            data={[
              { value: 'email', label: t('Email') },
              { value: 'sms', label: t('SMS') },
            ]}
            value={channel}
            onChange={(event) => setChannel(event.currentTarget.value as SuppressionSearch['channel'])}
          />
          <TextInput
            label={t('Find an address')}
            value={address}
            onChange={(event) => setAddress(event.currentTarget.value)}
            autoComplete="off"
            flex="1 1 200px"
            maw={400}
            data-testid="find-address"
          />
          <Button type="submit" variant="default" aria-busy={found.isFetching}>
            {t('Find')}
          </Button>
        </Group>
      </form>
      {found.error && <ProblemView problem={found.error} retry={() => found.refetch()} />}
      {items !== undefined && (
        <Stack gap="xs" role="status" data-testid="found-suppressions-state">
          <Title order={2} size="h4">
            {items.length === 0 ? t('That address is not suppressed') : t('Of that address')}
          </Title>
          {items.length > 0 && (
            <FactRows testId="found-suppressions" items={items} getId={getId} columns={SUPPRESSION_COLUMNS} />
          )}
        </Stack>
      )}
    </Stack>
  );
}
