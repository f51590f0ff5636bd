import { Anchor, Skeleton, Stack, Text } from '@mantine/core';
import { useQuery } from '@tanstack/react-query';
import type { Wait } from '@tidings/client/types';
import { getPendingWaits, getWaitingRules } from '../api/waits.ts';
import { FilterBar } from '../filters/FilterBar.tsx';
import { linkToWaiting } from '../route.ts';
import { EmptyState } from '../shell/EmptyState.tsx';
import { LiveList } from '../shell/LiveList.tsx';
import { PAGE_MS, useLivePages } from '../shell/live-pages.ts';
import { PageTitle } from '../shell/PageTitle.tsx';
import { ProblemView } from '../shell/ProblemView.tsx';
import { uniqueBy } from '../shell/unique-by.ts';
import { useKeptFocus } from '../shell/use-kept-focus.ts';
import { t } from '../text/text.ts';
import { RuleActions, RulesTable } from './RulesTable.tsx';
import { WaitTable } from './WaitTable.tsx';

const POLL_MS = 10_000;
const getId = (wait: Wait): string => wait.wait_id;

/** Pending waits: how many each rule has and when they are due; or those of a rule, or with a key. */
export function WaitingPage({ rule, waitKey }: { rule: string | null; waitKey: string | null }) {
  const rules = useQuery({
    queryKey: ['waits', 'rules'],
    queryFn: getWaitingRules,
    meta: { topics: ['waits'], every: POLL_MS },
  });
  const found = rules.data?.rules;
  const container = useKeptFocus();
  const isList = rule !== null || waitKey !== null;
  return (
    <Stack gap="md" ref={container}>
      <PageTitle>{t('Waiting')}</PageTitle>
      <FilterBar
        page="waiting"
        path={linkToWaiting()}
        hasTime={false}
        fields={[
          {
            name: 'rule',
            label: t('Rule'),
            values: found?.map((one) => ({ value: one.rule, count: one.waits })),
          },
          { name: 'key', label: t('Key'), values: null },
        ]}
        filter={{ rule, key: waitKey }}
        atLeast={found?.some((one) => one.at_least) ?? false}
      />
      {rules.error && <ProblemView problem={rules.error} retry={() => void rules.refetch()} />}
      {isList ? (
        <WaitList rule={rule} waitKey={waitKey} />
      ) : (
        <>
          {rules.isPending && <Skeleton height={240} />}
          {found?.length === 0 && (
            <EmptyState title={t('Nothing waits')}>
              {t('A wait appears here when a rule with a delay, a time, a digest or an absence is triggered.')}
            </EmptyState>
          )}
          {found !== undefined && found.length > 0 && <RulesTable rules={found} />}
        </>
      )}
    </Stack>
  );
}

function WaitList({ rule, waitKey }: { rule: string | null; waitKey: string | null }) {
  const list = useLivePages<WaitsResponse, Wait>({
    key: ['waits', 'pending', rule, waitKey],
    load: (after) => getPendingWaits(rule, waitKey, after),
    mergePages,
    getId,
    topics: ['waits'],
    every: PAGE_MS,
  });
  return (
    <>
      <Anchor href={linkToWaiting()} size="sm">
        {t('All rules')}
      </Anchor>
      {rule !== null && waitKey === null && <RuleActions rule={rule} />}
      {waitKey !== null && (
        <Text size="sm" c="dimmed">
          {t('The key is compared as a whole: write the whole number of a booking, for example.')}
        </Text>
      )}
      <LiveList
        list={list}
        empty={<EmptyState title={t('Nothing waits here')}>{t('No pending wait matches this filter.')}</EmptyState>}
      >
        {(waits) => <WaitTable waits={waits} />}
      </LiveList>
    </>
  );
}

type WaitsResponse = Awaited<ReturnType<typeof getPendingWaits>>;

function mergePages(pages: readonly WaitsResponse[]): Wait[] {
  return uniqueBy(
    pages.flatMap((page) => page.waits),
    getId,
  );
}
