import { NativeSelect, Skeleton, Stack, Text } from '@mantine/core';
import { useQuery } from '@tanstack/react-query';
import { getEventSums, getSums } from '../api/drafts.ts';
import type { CatalogRule } from '../api/types.ts';
import { getWaitingRules } from '../api/waits.ts';
import { countOut } from '../overview/series.ts';
import { useParameter } from '../route.ts';
import { ProblemView } from '../shell/ProblemView.tsx';
import { listTypes } from '../shell/rule-parts.tsx';
import { useScopes } from '../shell/use-scopes.ts';
import { formatCount, t } from '../text/text.ts';
import { NoNumbers } from './NoNumbers.tsx';

const HOUR = 3_600_000;
const SPANS = { '24h': 24 * HOUR, '7d': 168 * HOUR } as const;
const SPAN_NAMES = { '24h': t('The last 24 hours'), '7d': t('The last 7 days') } as const;
type Span = keyof typeof SPANS;

/** Notification types of a rule whose messages are added up, at most. */
const MAX_TYPES = 5;

interface Step {
  readonly label: string;
  /** Null: not known. */
  readonly count: number | null;
  readonly note: string;
}

/** Fate of the events of a rule, by sums that are kept anyway. */
export function FunnelTab({ name, rule }: { name: string; rule: CatalogRule | undefined }) {
  const [asked, setAsked] = useParameter('span');
  const span: Span = asked === '7d' ? '7d' : '24h';
  const can = useScopes();
  const steps = useQuery({
    queryKey: ['rules', 'funnel', name, span],
    queryFn: () => loadSteps(name, rule, Date.now() - SPANS[span], can('waits:read')),
    enabled: rule !== undefined,
    meta: { topics: ['metrics'], every: 60_000 },
  });
  if (!rule) return <NoNumbers />;
  const most = Math.max(1, ...(steps.data ?? []).map(({ count }) => count ?? 0));
  return (
    <Stack gap="sm">
      <NativeSelect
        label={t('Span')}
        value={span}
        onChange={(event) => setAsked(event.currentTarget.value === '24h' ? null : event.currentTarget.value)}
        data={Object.entries(SPAN_NAMES).map(([value, label]) => ({ value, label }))}
        data-testid="funnel-span"
      />
      {steps.error && <ProblemView problem={steps.error} retry={() => steps.refetch()} />}
      {steps.isPending && <Skeleton height={200} />}
      {steps.data && (
        <ol className="funnel" data-testid="funnel">
          {steps.data.map(({ label, count, note }) => (
            <li key={label} data-testid="funnel-step">
              <Text size="sm">
                {label}: <strong>{count === null ? '–' : formatCount(count)}</strong>
              </Text>
              <div className="funnel-bar" aria-hidden="true">
                <span style={{ width: `${(100 * (count ?? 0)) / most}%` }} />
              </div>
              <Text size="xs" c="dimmed" className="break">
                {note}
              </Text>
            </li>
          ))}
        </ol>
      )}
    </Stack>
  );
}

async function loadSteps(name: string, rule: CatalogRule | undefined, from: number, mayWait: boolean): Promise<Step[]> {
  if (!rule) return [];
  const types = listTypes(rule).slice(0, MAX_TYPES);
  const [own, events, waiting, ...ofTypes] = await Promise.all([
    getSums({ rule: name }, from),
    getEventSums(from),
    mayWait ? getWaitingRules() : undefined,
    ...types.map((type) => getSums({ type }, from)),
  ]);
  const sum = (count: (values: (typeof own)['metrics']) => number | null) =>
    ofTypes.reduce<number | null>((total, { metrics }) => {
      const n = count(metrics);
      return n === null ? total : (total ?? 0) + n;
    }, null);
  const triggers = events.groups.filter(({ key }) => rule.on.includes(key));
  const { decided, held, dropped } = own.metrics;
  const waits = waiting?.rules.find((one) => one.rule === name)?.waits;
  return [
    ...(rule.on.length === 0
      ? []
      : [
          {
            label: t('Events'),
            count: triggers.reduce((total, { metrics }) => total + (metrics.events ?? 0), 0),
            note: t('{events}: those to which the condition or the order of events does not apply end here', {
              events: rule.on.join(', '),
            }),
          },
        ]),
    ...(waits === undefined
      ? []
      : [{ label: t('Wait at present'), count: waits, note: t('Pending waits, whenever they began') }]),
    { label: t('Held back'), count: held, note: t('By limits, expiry, cancelling events and the like') },
    { label: t('Decided to send'), count: decided, note: t('Notifications') },
    { label: t('Dropped'), count: dropped, note: t('Messages that preferences, consent or hours dropped') },
    ...(types.length === 0
      ? []
      : [
          {
            label: t('Planned'),
            count: sum(({ planned }) => planned),
            note: t('{types}: a message for each channel, by whatever rule', { types: types.join(', ') }),
          },
          {
            label: t('Sent'),
            count: sum(countOut),
            note: t('A provider, or the sandbox, accepted them'),
          },
          { label: t('Delivered'), count: sum(({ delivered }) => delivered), note: t('As far as receipts say') },
        ]),
  ];
}
