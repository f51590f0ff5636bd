import { Skeleton, Text } from '@mantine/core';
import { useQuery } from '@tanstack/react-query';
import type { BatchEstimate } from '@tidings/client/types';
import type { ReactNode } from 'react';
import { getBatchEstimate } from '../api/batches.ts';
import { CHANNELS } from '../shell/outcome.ts';
import { ProblemView } from '../shell/ProblemView.tsx';
import { ReasonCode } from '../shell/Reason.tsx';
import { T } from '../text/T.tsx';
import { getLocale, t } from '../text/text.ts';

/** Estimate of what would become of the recipients of a batch, before it starts. */
export function EstimateView({ id }: { id: string }) {
  const estimate = useQuery({
    queryKey: ['batch-estimate', id],
    queryFn: () => getBatchEstimate(id),
    staleTime: 0,
    gcTime: 0,
    refetchOnWindowFocus: false,
  });
  if (estimate.error) return <ProblemView problem={estimate.error} retry={() => estimate.refetch()} />;
  if (estimate.isPending) return <Skeleton height={96} aria-label={t('Estimating')} />;
  return <Numbers estimate={estimate.data} />;
}

function Numbers({ estimate }: { estimate: BatchEstimate }) {
  const { pending, sampled, exact, reach, held, duplicate, unreachable, dropped, rejected, costs } = estimate;
  const isExact = String(exact);
  // By reason, for those who get nothing.
  const none = [unreachable, dropped, rejected].flatMap((counts) => Object.entries(counts)).filter(([, n]) => n > 0);
  return (
    <div data-testid="batch-estimate">
      <Text size="sm" fw={600}>
        {t('{isExact, select, true {} other {about }}{reach, number} of {pending, number} recipients would get it', {
          isExact,
          reach,
          pending,
        })}
      </Text>
      <ul className="job-groups">
        {held > 0 && (
          <Row>
            {t(
              '{isExact, select, true {} other {about }}{n, number} of those would get it later (quiet hours, caps and others)',
              { isExact, n: held },
            )}
          </Row>
        )}
        {duplicate > 0 && (
          <Row>
            {t('{isExact, select, true {} other {about }}{n, number} occur more than once', { isExact, n: duplicate })}
          </Row>
        )}
        {none.map(([code, n]) => (
          <Row key={code}>
            <T
              text="{isExact, select, true {} other {about }}{n, number} would get nothing: {code}"
              values={{ isExact, n, code: <ReasonCode code={code} /> }}
            />
          </Row>
        ))}
        {costs.map((cost) => (
          <Cost key={`${cost.channel} ${cost.currency}`} cost={cost} isExact={isExact} />
        ))}
      </ul>
      {!exact && (
        <Text size="xs" c="dimmed" mt={4}>
          {t('Estimated from {sampled, number} of them.', { sampled })}
        </Text>
      )}
    </div>
  );
}

function Row({ children }: { children: ReactNode }) {
  return (
    <li>
      <Text size="sm" className="break">
        {children}
      </Text>
    </li>
  );
}

/** Cost of the messages by a channel. */
function Cost({ cost, isExact }: { cost: BatchEstimate['costs'][number]; isExact: string }) {
  const { channel, messages, parts, amount, currency, basis } = cost;
  const by = CHANNELS[channel]?.label ?? channel;
  return (
    <li>
      <Text size="sm" className="break">
        {parts === null
          ? t('{messages, number} by {channel}', { messages, channel: by })
          : t('{messages, number} by {channel}, {parts, number} segments', { messages, channel: by, parts })}
        {': '}
        {amount === null
          ? t('cost unknown')
          : t('{isExact, select, true {} other {about }}{amount} {currency}', {
              isExact,
              amount: amount.toLocaleString(getLocale()),
              currency,
            })}
        {basis === 'history' && ` ${t('(by what such messages cost in the last 31 days)')}`}
      </Text>
    </li>
  );
}
