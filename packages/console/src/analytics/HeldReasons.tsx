import { Skeleton, Stack, Text, Title } from '@mantine/core';
import { useQuery } from '@tanstack/react-query';
import type { MetricReasons, MetricSummary } from '@tidings/client/types';
import { memo } from 'react';
import { getReasons } from '../api/metrics.ts';
import { FactRows } from '../channels/FactTable.tsx';
import { toQuery } from '../filters/filter.ts';
import { linkToDeliveries, type MetricFilter, openParameter } from '../route.ts';
import { ActionButton } from '../shell/ActionButton.tsx';
import { ProblemView } from '../shell/ProblemView.tsx';
import { formatReason } from '../shell/reason-words.ts';
import { formatCount, t } from '../text/text.ts';
import { ExportButtons } from './ExportButtons.tsx';
import { HeldUsers } from './HeldUsers.tsx';
import { hasSameFilter, KEPT_APART, toDeliveryFilter, toParameters } from './metric-filter.ts';
import { useSums } from './use-sums.ts';

type Reason = MetricReasons['reasons'][number];

/** A reason code; or a receipt, which says that messages came back after a provider had accepted them. */
type Row = Reason & { readonly receipt?: keyof typeof RETURNED };

const RETURNED = {
  bounced: t('Bounced after it was sent'),
  failed: t('Reported as not delivered after it was sent'),
};

const POLL_MS = 60_000;
const NUMBERS = [t('Held back'), t('Dropped'), t('Undeliverable'), t('Failed'), t('In doubt'), t('Cancelled')];

const countMessages = ({ dropped, undeliverable, dead, in_doubt, cancelled }: Reason): number =>
  dropped + undeliverable + dead + in_doubt + cancelled;

/** Numbers that each reason held back, with the users. `reason`: of which the users are shown, or null. */
export function HeldReasons({ filter, reason }: { filter: MetricFilter; reason: string | null }) {
  return (
    <>
      <DrawnReasons filter={filter} />
      <HeldUsers filter={filter} reason={reason} onClose={() => openParameter('reason', null)} />
    </>
  );
}

function Reasons({ filter }: { filter: MetricFilter }) {
  const apart = KEPT_APART.find((name) => filter[name] !== null);
  const reasons = useQuery({
    queryKey: ['metrics', 'reasons', toQuery(filter)],
    queryFn: () => getReasons(toParameters(filter, Date.now())),
    enabled: apart === undefined,
    meta: { topics: ['metrics'], every: POLL_MS },
    placeholderData: (shown) => shown,
  });
  const sums = useSums(filter);
  const all = reasons.data?.reasons ?? [];
  const returned = toReturned(sums.data?.metrics);
  const rows: readonly Row[] = [...all, ...returned];
  const held = all.reduce((sum, one) => sum + (one.held ?? 0), 0);
  const messages = all.reduce((sum, one) => sum + countMessages(one), 0);
  return (
    <Stack gap="xs" component="section" aria-label={t('Why something was not sent')}>
      <div className="section-head">
        <Title order={2} size="h4">
          {t('Why something was not sent')}
        </Title>
        {apart === undefined && (
          <ExportButtons view="reasons" name="reasons" toParameters={() => toParameters(filter, Date.now())} />
        )}
      </div>
      {apart !== undefined && (
        <Text size="sm" c="dimmed">
          {t(
            '{apart, select, locale {Reasons are not kept by locale.} variant {Reasons are not kept by variant.} other {Reasons are not kept by version.}} Remove it from the filter to see them.',
            { apart },
          )}
        </Text>
      )}
      {apart === undefined && reasons.error && (
        <ProblemView problem={reasons.error} retry={() => void reasons.refetch()} />
      )}
      {apart === undefined && reasons.isPending && <Skeleton height={160} />}
      {apart === undefined && reasons.data && (
        <>
          <Text size="xs" c="dimmed">
            {t('Reasons are counted in whole hours: the first and the last hour count in full.')}
          </Text>
          <Text size="sm" data-testid="held-total">
            {rows.length === 0
              ? t('Everything that concerned a user in this span was sent.')
              : filter.channel !== null
                ? t(
                    '{messages, plural, one {# message was} other {# messages were}} held back; decisions against whole notifications concern no channel.',
                    { messages },
                  )
                : t(
                    '{held, plural, one {# notification was} other {# notifications were}} held back at the decision, and {messages, plural, one {# message} other {# messages}} later.',
                    { held, messages },
                  )}
            {returned.length > 0 &&
              ` ${t(
                '{count, plural, one {# message} other {# messages}} came back after a provider had accepted them.',
                { count: returned.reduce((sum, { dead }) => sum + dead, 0) },
              )}`}
          </Text>
          {rows.length > 0 && (
            <FactRows<Row>
              testId="held-reasons"
              items={rows}
              getId={({ code, receipt }) => `${receipt ?? ''} ${code}`}
              numbers={NUMBERS}
              columns={{
                [t('Reason')]: ({ code, receipt }) => (
                  <>
                    {receipt === undefined ? formatReason(code) : RETURNED[receipt]}
                    <Text size="xs" c="dimmed" className="name">
                      {code}
                    </Text>
                  </>
                ),
                [t('Held back')]: ({ held: count }) => formatSome(count ?? 0),
                [t('Dropped')]: ({ dropped }) => formatSome(dropped),
                [t('Undeliverable')]: ({ undeliverable }) => formatSome(undeliverable),
                [t('Failed')]: ({ dead }) => formatSome(dead),
                [t('In doubt')]: ({ in_doubt: count }) => formatSome(count),
                [t('Cancelled')]: ({ cancelled }) => formatSome(cancelled),
                [t('Users')]: ({ code, receipt }) =>
                  receipt === undefined ? (
                    <ActionButton
                      needs={null}
                      action={`held-${code}`}
                      busy={false}
                      onClick={() => openParameter('reason', code)}
                      data-testid="held-users-button"
                    >
                      {t('Show users')}
                    </ActionButton>
                  ) : (
                    <a
                      href={linkToDeliveries('sent', { ...toDeliveryFilter(filter), receipt })}
                      data-testid={`returned-${receipt}`}
                    >
                      {t('Show messages')}
                    </a>
                  ),
              }}
            />
          )}
        </>
      )}
    </Stack>
  );
}

const DrawnReasons = memo(Reasons, hasSameFilter);

/** Returns a row for each receipt by which messages came back; none while the sums are not known. */
function toReturned(sums: MetricSummary['metrics'] | undefined): Row[] {
  const rows = (['bounced', 'failed'] as const).map((receipt): Row => {
    const others = { held: 0, dropped: 0, undeliverable: 0, in_doubt: 0, cancelled: 0 };
    return { ...others, code: receipt, dead: sums?.[receipt] ?? 0, receipt };
  });
  return rows.filter(({ dead }) => dead > 0);
}

const formatSome = (count: number): string => (count === 0 ? '–' : formatCount(count));
