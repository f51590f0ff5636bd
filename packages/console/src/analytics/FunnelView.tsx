import { Skeleton, Stack, Text, Title } from '@mantine/core';
import { useQuery } from '@tanstack/react-query';
import type { MetricFunnel } from '@tidings/client/types';
import { getFunnel } from '../api/metrics.ts';
import { FactRows } from '../channels/FactTable.tsx';
import { toQuery } from '../filters/filter.ts';
import type { MetricFilter } from '../route.ts';
import { ProblemView } from '../shell/ProblemView.tsx';
import { formatCount, t } from '../text/text.ts';
import { ExportButtons } from './ExportButtons.tsx';
import { describeChange, formatShareOf, toParameters, toParametersBefore } from './metric-filter.ts';

type Stage = MetricFunnel['stages'][number];

const POLL_MS = 60_000;
const STAGES: Record<Stage['stage'], { readonly label: string; readonly note: string }> = {
  decided: { label: t('Decided'), note: t('notifications that a rule or a request decided to send') },
  planned: { label: t('Planned'), note: t('messages, one for each channel and device') },
  sent: { label: t('Sent'), note: t('messages that a provider accepted, or the sandbox kept') },
  delivered: {
    label: t('Delivered'),
    note: t(
      'messages that arrived, as receipts say, or that are in the inbox; a share of those of which that becomes known',
    ),
  },
  opened: { label: t('Opened'), note: t('messages') },
  clicked: { label: t('Clicked'), note: t('messages') },
  goal: { label: t('Goal'), note: t('notifications whose goal came; a share of those whose type has one') },
};

/** The part of the stage before that can come to a stage. */
const PARTS: { readonly [stage in Stage['stage']]?: string } = { delivered: 'confirmable', goal: 'aimed' };

/** Numbers of the notifications and messages that came to each stage, as a table with bars. */
export function FunnelView({ filter }: { filter: MetricFilter }) {
  const key = toQuery(filter);
  const funnel = useQuery({
    queryKey: ['metrics', 'funnel', key],
    queryFn: () => getFunnel(toParameters(filter, Date.now())),
    meta: { topics: ['metrics'], every: POLL_MS },
    placeholderData: (shown) => shown,
  });
  const before = useQuery({
    queryKey: ['metrics', 'funnel before', key],
    queryFn: () => getFunnel(toParametersBefore(filter, Date.now())),
  });
  const stages = funnel.data?.stages ?? [];
  const max = Math.max(...stages.map(({ count }) => count ?? 0), 1);
  const countBefore = (stage: Stage['stage']) => before.data?.stages.find((one) => one.stage === stage)?.count ?? null;
  // Goals are not kept by channel; otherwise one that is not counted is not set.
  const isWithoutGoal = stages.some(({ stage, base }) => stage === 'goal' && base === 0);
  const isPartial = stages.some(({ stage, count }) => count === null && !(stage === 'goal' && isWithoutGoal));
  return (
    <Stack gap="xs" component="section" aria-label={t('From decision to goal')}>
      <div className="section-head">
        <Title order={2} size="h4">
          {t('From decision to goal')}
        </Title>
        <ExportButtons view="funnel" name="funnel" toParameters={() => toParameters(filter, Date.now())} />
      </div>
      {funnel.error && <ProblemView problem={funnel.error} retry={() => void funnel.refetch()} />}
      {funnel.isPending && <Skeleton height={260} />}
      {funnel.data && (
        <FactRows
          testId="funnel"
          items={stages}
          getId={({ stage }) => stage}
          numbers={[t('Count'), t('Share'), t('To the period before')]}
          columns={{
            [t('Stage')]: ({ stage, count }) => (
              <>
                <Text size="sm" fw={600}>
                  {STAGES[stage].label}
                </Text>
                <div className="bar-track" aria-hidden="true">
                  <div className="bar-fill" style={{ width: `${(100 * (count ?? 0)) / max}%` }} />
                </div>
                <Text size="xs" c="dimmed">
                  {stage === 'goal' && isWithoutGoal ? t('No goal is set.') : STAGES[stage].note}
                </Text>
              </>
            ),
            [t('Count')]: ({ count }) => (count === null ? '–' : formatCount(count)),
            [t('Share')]: ({ stage, of, rate }) =>
              of === null || rate === null ? '–' : formatShareOf(rate, PARTS[stage] ?? of),
            [t('To the period before')]: ({ stage, count }) => {
              const past = countBefore(stage);
              return count === null || past === null ? '–' : describeChange(count, past);
            },
          }}
        />
      )}
      {isPartial && (
        <Text size="xs" c="dimmed">
          {t('Stages without a number are not kept by what the filter asks for, or no provider reports them.')}
        </Text>
      )}
    </Stack>
  );
}
