import { Anchor, Text } from '@mantine/core';
import { useQueryClient } from '@tanstack/react-query';
import type { Batch, BatchResult } from '@tidings/client/types';
import { useEffect, useRef } from 'react';
import { getBatchResults } from '../api/batches.ts';
import type { RecipientState } from '../api/types.ts';
import { FactRows } from '../channels/FactTable.tsx';
import { linkToNotification, linkToUser } from '../route.ts';
import { LiveList } from '../shell/LiveList.tsx';
import { PAGE_MS, useLivePages } from '../shell/live-pages.ts';
import { CHANNELS, getLook, type Look, STATUSES } from '../shell/outcome.ts';
import { ReasonCode } from '../shell/Reason.tsx';
import { toReasonWords } from '../shell/reason-words.ts';
import { StatusBadge } from '../shell/StatusBadge.tsx';
import { uniqueBy } from '../shell/unique-by.ts';
import { t, toInner } from '../text/text.ts';
import { isOpen, RECIPIENT_STATES } from './batch-look.ts';

const getId = ({ line }: BatchResult): string => String(line);

/** Results of the lines, in their order. `state` null: of every state. */
export function BatchResults({ batch, state }: { batch: Batch; state: RecipientState | null }) {
  const { batch_id: id } = batch;
  const list = useLivePages<ResultsResponse, BatchResult>({
    key: ['batch-results', id, state],
    load: (after) => getBatchResults(id, state, after),
    mergePages,
    getId,
    topics: ['batches', 'notifications'],
    every: PAGE_MS,
  });
  return (
    <>
      <LiveList
        list={list}
        height={160}
        empty={
          <Text size="sm" c="dimmed" p="md" data-testid="results-empty">
            {state === null ? t('No lines yet.') : t('No line is in this state.')}
          </Text>
        }
      >
        {(results) => (
          <FactRows
            testId="results"
            items={results}
            getId={getId}
            columns={{
              [t('Line')]: ({ line }) => line + 1,
              [t('Recipient')]: (result) => <RecipientText result={result} />,
              [t('Result')]: (result) => <StatusBadge look={getResultLook(result)} testId="result-state" />,
              [t('Why')]: (result) => <Why result={result} />,
              [t('Channels')]: ({ channels }) => <Channels channels={channels} />,
            }}
          />
        )}
      </LiveList>
      <RefreshOnEnd batch={batch} />
    </>
  );
}

/** Returns the look of a result. It is not green if each message stayed in the sandbox. */
function getResultLook({ state, channels }: BatchResult): Look {
  const isSandboxed = state === 'sent' && channels.every(({ status }) => status !== 'sent');
  return isSandboxed ? STATUSES.sandboxed : getLook(RECIPIENT_STATES, state);
}

/** Loads all pages again once the batch has ended: after the first page, only that one is polled. */
function RefreshOnEnd({ batch }: { batch: Batch }) {
  const queries = useQueryClient();
  const { batch_id: id } = batch;
  const open = isOpen(batch);
  const wasOpen = useRef(open);
  useEffect(() => {
    if (wasOpen.current && !open) void queries.invalidateQueries({ queryKey: ['batch-results', id] });
    wasOpen.current = open;
  }, [open, id, queries]);
  return null;
}

function RecipientText({ result: { recipient, user_id: userId } }: { result: BatchResult }) {
  const given = recipient?.user_id ?? recipient?.email ?? recipient?.phone;
  if (userId === null) return <span className="break">{given ?? t('none')}</span>;
  return (
    <>
      <Anchor size="sm" fw={600} className="break" href={linkToUser(userId)}>
        {userId}
      </Anchor>
      {given !== undefined && given !== userId && (
        <Text size="xs" c="dimmed" className="break">
          {given}
        </Text>
      )}
    </>
  );
}

function Why({ result: { code, reason, notification_id: id } }: { result: BatchResult }) {
  return (
    <>
      {code !== null && (
        <Text size="sm">
          <ReasonCode code={code} />
        </Text>
      )}
      {reason !== null && (
        <Text size="xs" className="break" lang="en">
          {reason}
        </Text>
      )}
      {id !== null && (
        <Anchor size="xs" href={linkToNotification(id)} display="block">
          {t('Notification')}
        </Anchor>
      )}
    </>
  );
}

function Channels({ channels }: Pick<BatchResult, 'channels'>) {
  const names: { readonly [channel: string]: { readonly label: string } } = CHANNELS;
  const looks: { readonly [status: string]: { readonly label: string } } = STATUSES;
  return channels.map(({ channel, status, reason_code: code }) => (
    <Text key={channel} size="sm" className="break">
      {names[channel]?.label ?? channel}: {looks[status] ? toInner(looks[status].label) : status}
      {code !== null && ` (${toReasonWords(code)})`}
    </Text>
  ));
}

type ResultsResponse = Awaited<ReturnType<typeof getBatchResults>>;

function mergePages(pages: readonly ResultsResponse[]): BatchResult[] {
  return uniqueBy(
    pages.flatMap((page) => page.results),
    getId,
  );
}
