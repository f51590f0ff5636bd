import { Paper, Skeleton, Stack, Text, Title } from '@mantine/core';
import { useQuery } from '@tanstack/react-query';
import type { Experiment } from '@tidings/client/types';
import { getExperiments } from '../api/metrics.ts';
import { FactRows } from '../channels/FactTable.tsx';
import { toQuery } from '../filters/filter.ts';
import { linkToCatalog, type MetricFilter } from '../route.ts';
import { EmptyState } from '../shell/EmptyState.tsx';
import { IconAlert, IconArrowUp, IconCircle, IconClock } from '../shell/icons.tsx';
import { getLook, type Look } from '../shell/outcome.ts';
import { ProblemView } from '../shell/ProblemView.tsx';
import { StatusBadge } from '../shell/StatusBadge.tsx';
import { Time } from '../shell/Time.tsx';
import { T } from '../text/T.tsx';
import { formatCount, getLocale, t } from '../text/text.ts';
import { ExportButtons } from './ExportButtons.tsx';
import { LiftChart } from './LiftChart.tsx';
import { formatDecimal, formatPoints, formatRate, toParameters } from './metric-filter.ts';

type Variant = Experiment['variants'][number];

const POLL_MS = 60_000;
const CONFIDENCE = 0.95;

/** Rules that divide their users, with the share of those who reached the goal in each variant. `only`: of these rules; null: of all. */
export function ExperimentsView({ filter, only = null }: { filter: MetricFilter; only?: readonly string[] | null }) {
  const toAsked = () => {
    const { from = null, to = null } = toParameters(filter, Date.now());
    return { from, to };
  };
  const found = useQuery({
    queryKey: ['metrics', 'experiments', toQuery(filter)],
    queryFn: () => getExperiments(toAsked()),
    meta: { topics: ['metrics'], every: POLL_MS },
    placeholderData: (shown) => shown,
  });
  if (found.error) return <ProblemView problem={found.error} retry={() => void found.refetch()} />;
  if (!found.data) return <Skeleton height={320} />;
  const experiments = found.data.experiments.filter(({ rule }) => only?.includes(rule) ?? true);
  if (experiments.length === 0) {
    return only === null ? (
      <EmptyState title={t('No experiments')}>
        {t(
          'A rule with “split” that sends a type with a “goal” is one. Write both into the catalog to compare variants by how many users reach the goal.',
        )}
      </EmptyState>
    ) : (
      <Text size="sm" c="dimmed">
        {t('None: no rule that divides its users sends this type, or it has no goal.')}
      </Text>
    );
  }
  return (
    <Stack gap="md">
      {experiments.map((experiment) => (
        <ExperimentCard key={experiment.rule} experiment={experiment} />
      ))}
      <div className="section-head">
        <Text size="xs" c="dimmed">
          <T
            text="Users whose first decision fell into the span, from {time}. Intervals are at {confidence, number, percent}, those of the differences over all variants of a rule together. Decide when to end an experiment before you begin it: who stops at the first difference finds some that are not there."
            values={{ time: <Time value={found.data.from} as="full" />, confidence: CONFIDENCE }}
          />
        </Text>
        {only === null && <ExportButtons view="experiments" name="experiments" toParameters={toAsked} />}
      </div>
    </Stack>
  );
}

const VERDICTS: Record<NonNullable<Variant['verdict']>, Look> = {
  better: { label: t('Better'), color: 'teal', Icon: IconArrowUp },
  worse: { label: t('Worse'), color: 'red', Icon: IconAlert },
  no_difference: { label: t('No difference'), color: 'gray', Icon: IconCircle },
  not_enough_data: { label: t('Too early'), color: 'blue', Icon: IconClock },
  not_trusted: { label: t('Not to be trusted'), color: 'orange', Icon: IconAlert },
};

/** Says in a sentence how a variant compares with the control. */
function describeVerdict({ variant, verdict, lift }: Variant, control: string): string {
  if (verdict === null) return t('The others are compared with it.');
  if (verdict === 'not_trusted') {
    return t(
      'The users are not divided as the shares say: something is wrong, or the shares were changed in this span.',
    );
  }
  if (verdict === 'not_enough_data' || lift === null) {
    return t('Too early: at least 100 users each and 10 that reached the goal are needed.');
  }
  if (verdict === 'no_difference') {
    return t('No difference from {control} is shown: it may be {low} to {high} points.', {
      control,
      low: formatPoints(lift.low),
      high: formatPoints(lift.high),
    });
  }
  const bounds = [lift.low, lift.high].map((share) => Math.abs(100 * share)).sort((a, b) => a - b);
  const [least = '', most = ''] = bounds.map(formatDecimal);
  return t(
    verdict === 'better'
      ? '{variant} is better by {least} to {most} points.'
      : '{variant} is worse by {least} to {most} points.',
    { variant, least, most },
  );
}

/** Formats a share of the users, given in percent. */
function formatPercent(percent: number): string {
  return (percent / 100).toLocaleString(getLocale(), { style: 'percent', maximumFractionDigits: 2 });
}

function describeLift({ difference, low, high }: NonNullable<Variant['lift']>): string {
  return t('{difference} points ({low} to {high})', {
    difference: formatPoints(difference),
    low: formatPoints(low),
    high: formatPoints(high),
  });
}

function ExperimentCard({ experiment: { rule, goal, control, variants } }: { experiment: Experiment }) {
  return (
    <Paper withBorder p="md" component="section" aria-label={rule} data-testid="experiment">
      <Title order={2} size="h4" className="break">
        <a className="name" href={linkToCatalog('rule', rule)}>
          {rule}
        </a>
      </Title>
      <Text size="sm" c="dimmed" mb="sm">
        <T
          text="Goal: {event} within {within}. Compared with {control}."
          values={{
            event: <span className="name">{goal.event}</span>,
            within: goal.within,
            control: <span className="name">{control}</span>,
          }}
        />
      </Text>
      <Stack component="ul" gap={4} className="rows" mb="sm">
        {variants
          .filter(({ verdict }) => verdict !== null)
          .map((variant) => (
            <li key={variant.variant} className="verdict-row" data-testid="experiment-verdict">
              <StatusBadge look={getLook(VERDICTS, variant.verdict as keyof typeof VERDICTS)} />
              <Text size="sm">{describeVerdict(variant, control)}</Text>
            </li>
          ))}
      </Stack>
      <LiftChart variants={variants} control={control} />
      <FactRows
        testId="variants"
        items={variants}
        getId={({ variant }) => variant}
        numbers={[t('Share'), t('Users'), t('Reached the goal'), t('Rate'), t('Interval'), t('Difference')]}
        columns={{
          [t('Variant')]: ({ variant }) => (
            <>
              <span className="name">{variant}</span>
              {variant === control && (
                <Text size="xs" c="dimmed">
                  {t('the control')}
                </Text>
              )}
            </>
          ),
          [t('Share')]: ({ share }) => (share === null ? '–' : formatPercent(share)),
          [t('Users')]: ({ users }) => formatCount(users),
          [t('Reached the goal')]: ({ goals }) => formatCount(goals),
          [t('Rate')]: ({ goal_rate: rate }) => formatRate(rate),
          [t('Interval')]: ({ interval }) =>
            interval === null
              ? '–'
              : t('{low} to {high}', { low: formatRate(interval.low), high: formatRate(interval.high) }),
          [t('Difference')]: ({ lift }) => (lift === null ? '–' : describeLift(lift)),
        }}
      />
    </Paper>
  );
}
