import { Skeleton, Stack, Text, Title } from '@mantine/core';
import { useQuery } from '@tanstack/react-query';
import type { MetricReasons } from '@tidings/client/types';
import { getReasons } from '../api/metrics.ts';
import { FactRows } from '../channels/FactTable.tsx';
import { toQuery } from '../filters/filter.ts';
import { type MetricFilter, useParameter } from '../route.ts';
import { ActionButton } from '../shell/ActionButton.tsx';
import { ProblemView } from '../shell/ProblemView.tsx';
import { ExportButtons } from './ExportButtons.tsx';
import { HeldUsers } from './HeldUsers.tsx';
import { formatReason, KEPT_APART, toParameters } from './metric-filter.ts';

type Reason = MetricReasons['reasons'][number];

const POLL_MS = 60_000;
const NUMBERS = ['Held back', 'Dropped', 'Undeliverable', 'Failed', 'In doubt', 'Cancelled'];

const countMessages = ({ dropped, undeliverable, dead, in_doubt, cancelled }: Reason): number =>
  dropped + undeliverable + dead + in_doubt + cancelled;

/** Numbers that each reason held back, with the users. `reason`: of which the users are shown, or null. */
export function HeldReasons({ filter, reason }: { filter: MetricFilter; reason: string | null }) {
  const apart = KEPT_APART.find((name) => filter[name] !== null);
  const [, setReason] = useParameter('reason');
  const reasons = useQuery({
    queryKey: ['metrics', 'reasons', toQuery(filter)],
    queryFn: () => getReasons(toParameters(filter, Date.now())),
    enabled: apart === undefined,
    meta: { topics: ['metrics'], every: POLL_MS },
    placeholderData: (shown) => shown,
  });
  const all = reasons.data?.reasons ?? [];
  const held = all.reduce((sum, one) => sum + one.held, 0);
  const messages = all.reduce((sum, one) => sum + countMessages(one), 0);
  return (
    <Stack gap="xs" component="section" aria-label="Why something was not sent">
      <div className="section-head">
        <Title order={2} size="h4">
          Why something was not sent
        </Title>
        {apart === undefined && (
          <ExportButtons view="reasons" name="reasons" toParameters={() => toParameters(filter, Date.now())} />
        )}
      </div>
      {apart !== undefined && (
        <Text size="sm" c="dimmed">
          Reasons are not kept by {apart}. Remove it from the filter to see them.
        </Text>
      )}
      {apart === undefined && reasons.error && (
        <ProblemView problem={reasons.error} retry={() => void reasons.refetch()} />
      )}
      {apart === undefined && reasons.isPending && <Skeleton height={160} />}
      {apart === undefined && reasons.data && (
        <>
          <Text size="sm" data-testid="held-total">
            {all.length === 0
              ? 'Everything that concerned a user in this span was sent.'
              : `${held.toLocaleString()} notifications were held back at the decision, and ${messages.toLocaleString()} messages later.`}
          </Text>
          {all.length > 0 && (
            <FactRows
              testId="held-reasons"
              items={all}
              getId={({ code }) => code}
              numbers={NUMBERS}
              columns={{
                Reason: ({ code }) => (
                  <>
                    {formatReason(code)}
                    <Text size="xs" c="dimmed" className="name">
                      {code}
                    </Text>
                  </>
                ),
                'Held back': ({ held: count }) => formatCount(count),
                Dropped: ({ dropped }) => formatCount(dropped),
                Undeliverable: ({ undeliverable }) => formatCount(undeliverable),
                Failed: ({ dead }) => formatCount(dead),
                'In doubt': ({ in_doubt: count }) => formatCount(count),
                Cancelled: ({ cancelled }) => formatCount(cancelled),
                Users: ({ code }) => (
                  <ActionButton
                    action={`held ${code}`}
                    busy={false}
                    onClick={() => setReason(code)}
                    data-testid="held-users-button"
                  >
                    Show users
                  </ActionButton>
                ),
              }}
            />
          )}
        </>
      )}
      <HeldUsers filter={filter} reason={reason} onClose={() => setReason(null)} />
    </Stack>
  );
}

const formatCount = (count: number): string => (count === 0 ? '–' : count.toLocaleString());
