import { Skeleton, Text } from '@mantine/core';
import { useQuery } from '@tanstack/react-query';
import type { BatchEstimate } from '@tidings/client/types';
import { getBatchEstimate } from '../api/batches.ts';
import { count } from '../jobs/job-text.ts';
import { CHANNELS } from '../shell/outcome.ts';
import { ProblemView } from '../shell/ProblemView.tsx';

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
  if (estimate.isPending) return <Skeleton height={96} aria-label="Estimating" />;
  return <Numbers estimate={estimate.data} />;
}

function Numbers({ estimate }: { estimate: BatchEstimate }) {
  const { pending, sampled, exact, reach, held, duplicate, unreachable, dropped, rejected, costs } = estimate;
  const about = exact ? '' : 'about ';
  // By reason, for those who get nothing.
  const none = [unreachable, dropped, rejected].flatMap((counts) => Object.entries(counts)).filter(([, n]) => n > 0);
  return (
    <div data-testid="batch-estimate">
      <Text size="sm" fw={600}>
        {about}
        {count(reach)} of {count(pending)} recipients would get it
      </Text>
      <ul className="job-groups">
        {held > 0 && <Row n={held} words="of those would get it later (quiet hours, caps and others)" about={about} />}
        {duplicate > 0 && <Row n={duplicate} words="occur more than once" about={about} />}
        {none.map(([code, n]) => (
          <Row key={code} n={n} words="would get nothing:" code={code} about={about} />
        ))}
        {costs.map((cost) => (
          <Cost key={`${cost.channel} ${cost.currency}`} cost={cost} about={about} />
        ))}
      </ul>
      {!exact && (
        <Text size="xs" c="dimmed" mt={4}>
          Estimated from {count(sampled)} of them.
        </Text>
      )}
    </div>
  );
}

function Row({ n, words, code, about }: { n: number; words: string; code?: string; about: string }) {
  return (
    <li>
      <Text size="sm" className="break">
        {about}
        {count(n)} {words} {code !== undefined && <span className="name">{code}</span>}
      </Text>
    </li>
  );
}

/** Cost of the messages by a channel. */
function Cost({ cost, about }: { cost: BatchEstimate['costs'][number]; about: string }) {
  const { channel, messages, parts, amount, currency, basis } = cost;
  return (
    <li>
      <Text size="sm" className="break">
        {count(messages)} by {CHANNELS[channel]?.label ?? channel}
        {parts !== null && `, ${count(parts)} segments`}:{' '}
        {amount === null ? 'cost unknown' : `${about}${amount.toLocaleString('en')} ${currency ?? ''}`}
        {basis === 'history' && ' (by what such messages cost in the last 31 days)'}
      </Text>
    </li>
  );
}
