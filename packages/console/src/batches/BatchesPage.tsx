import { Anchor, Button, Group, Paper, Stack, Text } from '@mantine/core';
import type { Batch } from '@tidings/client/types';
import { getBatches } from '../api/batches.ts';
import { linkToBatch, linkToNewBatch } from '../route.ts';
import { EmptyState } from '../shell/EmptyState.tsx';
import { LiveList } from '../shell/LiveList.tsx';
import { PAGE_MS, useLivePages } from '../shell/live-pages.ts';
import { getLook } from '../shell/outcome.ts';
import { PageTitle } from '../shell/PageTitle.tsx';
import { StatusBadge } from '../shell/StatusBadge.tsx';
import { Time } from '../shell/Time.tsx';
import { uniqueBy } from '../shell/unique-by.ts';
import { useScopes } from '../shell/use-scopes.ts';
import { T } from '../text/T.tsx';
import { t } from '../text/text.ts';
import { BATCH_STATES, countFinal, getName } from './batch-look.ts';
import { OutcomeBar } from './OutcomeBar.tsx';

const getId = (batch: Batch): string => batch.batch_id;

/** Batches, newest first, each with its progress. */
export function BatchesPage() {
  const can = useScopes();
  const list = useLivePages<BatchesResponse, Batch>({
    key: ['batches'],
    load: getBatches,
    mergePages,
    getId,
    topics: ['batches'],
    every: PAGE_MS,
  });
  return (
    <Stack gap="md">
      <Group justify="space-between">
        <PageTitle>{t('Batches')}</PageTitle>
        {can('batches:write') && (
          <Button component="a" href={linkToNewBatch()} size="xs" variant="default" data-testid="new-batch">
            {t('New batch')}
          </Button>
        )}
      </Group>
      <LiveList
        list={list}
        empty={<EmptyState title={t('No batches yet')}>{t('One notification to many recipients.')}</EmptyState>}
      >
        {(batches) => (
          <Paper withBorder component="ol" className="rows">
            {batches.map((batch) => (
              <li key={getId(batch)} className="rejected-row" data-row data-testid="batch-row" data-state={batch.state}>
                <BatchSummary batch={batch} />
              </li>
            ))}
          </Paper>
        )}
      </LiveList>
    </Stack>
  );
}

/** States of recipients that an operator should look at. */
const FAULTS = ['failed', 'in_doubt', 'rejected'] as const;

function BatchSummary({ batch }: { batch: Batch }) {
  const failed = FAULTS.reduce((sum, state) => sum + batch.counts[state], 0);
  return (
    <Stack gap={6}>
      <Group gap="sm" justify="space-between">
        <Group gap="sm">
          <StatusBadge look={getLook(BATCH_STATES, batch.state)} testId="batch-state" />
          <Anchor href={linkToBatch(batch.batch_id)} fw={600} size="sm" className="break" data-testid="batch-link">
            {getName(batch)}
          </Anchor>
          {batch.name !== null && <span className="name">{batch.type}</span>}
        </Group>
        <Text size="sm" c="dimmed">
          <T
            text="by {name}, {time}"
            values={{ name: batch.created_by, time: <Time value={batch.created_at} as="full" /> }}
          />
        </Text>
      </Group>
      {batch.lines > 0 && <OutcomeBar batch={batch} />}
      <Text size="sm" c="dimmed">
        {batch.lines === 0
          ? t('No recipients yet')
          : t('{done, number} of {lines, number} done, {sent, number} sent', {
              done: countFinal(batch),
              lines: batch.lines,
              sent: batch.counts.sent,
            })}
        {failed > 0 && (
          <>
            {', '}
            <a
              href={linkToBatch(
                batch.batch_id,
                FAULTS.find((state) => batch.counts[state] > 0),
              )}
            >
              {t('{failed, number} failed or rejected', { failed })}
            </a>
          </>
        )}
        {batch.reason !== null && `. ${batch.reason}`}
      </Text>
    </Stack>
  );
}

type BatchesResponse = Awaited<ReturnType<typeof getBatches>>;

function mergePages(pages: readonly BatchesResponse[]): Batch[] {
  return uniqueBy(
    pages.flatMap((page) => page.batches),
    getId,
  );
}
