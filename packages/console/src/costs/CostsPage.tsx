import { SegmentedControl, Skeleton, Stack, Text } from '@mantine/core';
import { useQuery } from '@tanstack/react-query';
import { useState } from 'react';
import { getCosts } from '../api/channels.ts';
import { FactRows } from '../channels/FactTable.tsx';
import { PageTitle } from '../shell/PageTitle.tsx';
import { ProblemView } from '../shell/ProblemView.tsx';
import { T } from '../text/T.tsx';
import { getLocale, t } from '../text/text.ts';
import { CostPlot } from './CostPlot.tsx';
import { formatMoney, type Group, sumByCurrency, toGroupLabel } from './sums.ts';

const DAYS = 31;
const POLL_MS = 60_000;

const GROUPS: readonly { readonly value: Group; readonly label: string }[] = [
  { value: 'channel', label: t('Channel') },
  { value: 'provider', label: t('Provider') },
  { value: 'account', label: t('Account') },
  { value: 'type', label: t('Type') },
];

/** Costs of messages in the last 31 days, drawn by day, and summed up by channel, provider, account or type; each currency apart. */
export function CostsPage() {
  const [group, setGroup] = useState<Group>('channel');
  const query = useQuery({
    queryKey: ['costs', group],
    queryFn: () => getCosts(group, DAYS),
    meta: { topics: ['metrics'], every: POLL_MS },
  });
  const sums = query.data && sumByCurrency(query.data, group);
  return (
    <Stack gap="xl">
      <PageTitle>{t('Costs')}</PageTitle>
      <SegmentedControl
        aria-label={t('Sum up by')}
        size="xs"
        data={[...GROUPS]}
        value={group}
        onChange={(value) => setGroup(value as Group)}
        style={{ alignSelf: 'start' }}
      />
      {query.error && <ProblemView problem={query.error} retry={() => query.refetch()} />}
      {query.isPending && <Skeleton height={320} />}
      {query.data && (
        <Text size="sm" c="dimmed" data-testid="costs-note">
          <T
            text="From {from} to {to}, in UTC; the last day is not over. Only messages whose price is known are counted: by {field} in routes.yaml, or by what the provider reported."
            values={{ from: query.data.from, to: query.data.to, field: <code>prices</code> }}
          />
          {query.data.has_more && ` ${t('There are too many rows to show: the earliest days are missing.')}`}
        </Text>
      )}
      {sums?.length === 0 && (
        <Text size="sm" c="dimmed" data-testid="costs-empty">
          {t('No costs are known. Write prices into routes.yaml to see what messages cost.')}
        </Text>
      )}
      {sums?.map(({ currency, total, days, groups }) => (
        <Stack
          key={currency}
          gap="xs"
          component="section"
          aria-label={t('Costs in {currency}', { currency })}
          data-testid="currency"
        >
          <CostPlot currency={currency} total={total} days={days} />
          <FactRows
            testId={`costs-${currency}`}
            numbers={[t('Amount'), t('Share'), t('Messages'), t('Parts')]}
            items={groups}
            getId={({ name }) => name ?? ''}
            columns={{
              [GROUPS.find(({ value }) => value === group)?.label ?? group]: ({ name }) => toGroupLabel(group, name),
              [t('Amount')]: ({ amount }) => formatMoney(amount, currency),
              [t('Share')]: ({ amount }) =>
                total === 0
                  ? '–'
                  : (amount / total).toLocaleString(getLocale(), {
                      style: 'percent',
                      minimumFractionDigits: 1,
                      maximumFractionDigits: 1,
                    }),
              [t('Messages')]: ({ messages }) => messages,
              [t('Parts')]: ({ parts }) => parts,
            }}
          />
        </Stack>
      ))}
    </Stack>
  );
}
