import { Skeleton, Stack, Text } from '@mantine/core';
import { useQuery } from '@tanstack/react-query';
import type { ReactNode } from 'react';
import { getChannelSums, getEventSums, getSums } from '../api/drafts.ts';
import type { CatalogRule } from '../api/types.ts';
import { getWaitingRules } from '../api/waits.ts';
import { countOut, formatNumber } from '../overview/series.ts';
import { linkToRule, linkToType } from '../route.ts';
import { CHANNELS } from '../shell/outcome.ts';
import { ProblemView } from '../shell/ProblemView.tsx';
import { buildRuleParts, listTypes } from '../shell/rule-parts.tsx';
import { useScopes } from '../shell/use-scopes.ts';
import { T } from '../text/T.tsx';
import { t } from '../text/text.ts';
import { NoNumbers } from './NoNumbers.tsx';

const DAY_MS = 86_400_000;
/** Notification types of a rule that are drawn, at most. */
const MAX_TYPES = 5;

/** Stations of an event on its way through a rule, with the keys of the catalog that each stands for. */
const STATIONS = [
  { name: t('Starts'), keys: ['on', 'every', 'audience', 'zone', 'key'] },
  { name: t('Conditions'), keys: ['when', 'after', 'count'] },
  {
    name: t('Waits'),
    keys: [
      'delay',
      'at',
      'unless',
      'if_past',
      'if_missing',
      'recheck',
      'debounce',
      'digest',
      'cancel_on',
      'again',
      'expires',
    ],
  },
  { name: t('Limits'), keys: ['limit', 'group'] },
  { name: t('Sends'), keys: ['split', 'choose', 'channels', 'data', 'do'] },
] as const;

interface RuleNumbers {
  readonly events: number | null;
  /** Pending waits; null: they may not be read, or nothing waits. */
  readonly waits: number | null;
  readonly held: number;
  readonly decided: number;
  readonly dropped: number;
  readonly types: readonly { readonly type: string; readonly channels: readonly ChannelNumbers[] }[];
}

interface ChannelNumbers {
  readonly channel: string;
  readonly planned: number | null;
  readonly sent: number | null;
  /** Null: no receipt can say so. */
  readonly delivered: number | null;
}

/**
 * A rule as the way of an event through it, with the numbers of a day on each step. A list of stations, drawn as a graph by its style:
 * so it is read aloud in its order, and needs no second form.
 */
export function GraphTab({ name, rule }: { name: string; rule: CatalogRule | undefined }) {
  const can = useScopes();
  const numbers = useQuery({
    queryKey: ['rules', 'graph', name],
    queryFn: () => loadNumbers(name, rule as CatalogRule, Date.now() - DAY_MS, can('waits:read')),
    enabled: rule !== undefined,
    meta: { topics: ['metrics'], every: 60_000 },
  });
  if (!rule) return <NoNumbers />;
  return (
    <Stack gap="sm">
      <Text size="xs" c="dimmed">
        {t(
          'The way of an event through the rule, with the numbers of the last 24 hours. To change it, edit its source.',
        )}
      </Text>
      {numbers.error && <ProblemView problem={numbers.error} retry={() => numbers.refetch()} />}
      {numbers.isPending && <Skeleton height={240} />}
      {numbers.data && <Graph name={name} rule={rule} numbers={numbers.data} />}
    </Stack>
  );
}

function Graph({ name, rule, numbers }: { name: string; rule: CatalogRule; numbers: RuleNumbers }) {
  const { events, waits, held, decided, dropped, types } = numbers;
  const parts = buildRuleParts(rule);
  const stations = STATIONS.map((station) => ({
    name: station.name,
    parts: parts.filter(({ key }) => (station.keys as readonly string[]).includes(key)),
  }));
  /** Numbers that go on from a station to the next one, and that end there. */
  const steps: readonly Pick<StationProps, 'onward' | 'ends'>[] = [
    { onward: events === null ? null : t('{count, plural, one {# event} other {# events}}', { count: events }) },
    {},
    {
      ends:
        waits === null ? null : (
          <a href={linkToRule(name, 'waits')}>
            {t('{count, plural, one {# waits} other {# wait}} at present', { count: waits })}
          </a>
        ),
      onward: t('{count, plural, one {# decision} other {# decisions}}', { count: held + decided }),
    },
    { ends: t('{count, number} held back', { count: held }), onward: t('{count, number} to send', { count: decided }) },
    { ends: t('{count, number} dropped by preferences, consent or hours', { count: dropped }) },
  ];
  return (
    <ol className="graph" data-testid="graph">
      {stations.map((station, index) => {
        const step = steps[index] ?? {};
        const isEmpty = station.parts.length === 0 && index !== steps.length - 1 && !step.onward;
        return isEmpty ? null : (
          <Station key={station.name} name={station.name} {...step}>
            {station.parts.map(({ key, label, words }) => (
              <div key={key}>
                <Text span size="xs" c="dimmed">
                  {label}
                </Text>{' '}
                <Text span size="sm" className="break">
                  {words}
                </Text>
              </div>
            ))}
            {station.parts.length === 0 && index !== steps.length - 1 && (
              <Text size="sm" c="dimmed">
                {t('nothing')}
              </Text>
            )}
          </Station>
        );
      })}
      {types.map(({ type, channels }) => (
        <Station key={type} name={t('Message')}>
          <a className="name" href={linkToType(type)}>
            {type}
          </a>
          <ul className="graph-channels">
            {channels.map(({ channel, planned, sent, delivered }) => (
              <li key={channel} data-testid="graph-channel">
                <T
                  text="{channel}: {planned} planned, {sent} sent, {delivered} delivered"
                  values={{
                    channel: <strong>{CHANNELS[channel as keyof typeof CHANNELS]?.label ?? channel}</strong>,
                    planned: formatNumber(planned),
                    sent: formatNumber(sent),
                    delivered: formatNumber(delivered),
                  }}
                />
              </li>
            ))}
          </ul>
          {channels.length === 0 && (
            <Text size="xs" c="dimmed">
              {t('no message, by whatever rule')}
            </Text>
          )}
        </Station>
      ))}
    </ol>
  );
}

interface StationProps {
  readonly name: string;
  readonly ends?: ReactNode;
  readonly onward?: ReactNode;
  readonly children: ReactNode;
}

function Station({ name, ends, onward, children }: StationProps) {
  return (
    <li className="graph-station" data-testid="graph-station">
      <div className="graph-box">
        <Text size="xs" fw={650}>
          {name}
        </Text>
        {children}
      </div>
      {ends && (
        <Text size="xs" c="dimmed" className="graph-ends">
          {ends}
        </Text>
      )}
      {onward && (
        <Text size="xs" className="graph-onward">
          {onward}
        </Text>
      )}
    </li>
  );
}

async function loadNumbers(name: string, rule: CatalogRule, from: number, mayWait: boolean): Promise<RuleNumbers> {
  const types = listTypes(rule).slice(0, MAX_TYPES);
  const [own, events, waiting, ...ofTypes] = await Promise.all([
    getSums({ rule: name }, from),
    getEventSums(from),
    mayWait ? getWaitingRules() : undefined,
    ...types.map((type) => getChannelSums(type, from)),
  ]);
  const { held, decided, dropped } = own.metrics;
  const triggers = events.groups.filter(({ key }) => rule.on.includes(key));
  return {
    events: rule.on.length === 0 ? null : triggers.reduce((total, { metrics }) => total + (metrics.events ?? 0), 0),
    waits: waiting?.rules.find((one) => one.rule === name)?.waits ?? null,
    held: held ?? 0,
    decided: decided ?? 0,
    dropped: dropped ?? 0,
    types: types.map((type, index) => ({
      type,
      channels: (ofTypes[index]?.groups ?? [])
        .filter(({ key }) => key !== '')
        .map(({ key, metrics }) => ({
          channel: key,
          planned: metrics.planned,
          sent: countOut(metrics),
          delivered: metrics.delivered,
        })),
    })),
  };
}
