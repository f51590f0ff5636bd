import { Group, Text } from '@mantine/core';
import type { WaitingByRule } from '@tidings/client/types';
import { FactRows } from '../channels/FactTable.tsx';
import { JobButton } from '../jobs/JobButton.tsx';
import { linkToWaiting } from '../route.ts';
import { IconBan, IconClock, IconRefresh } from '../shell/icons.tsx';
import { getTextColor } from '../shell/outcome.ts';
import { Time } from '../shell/Time.tsx';
import { formatCount, t } from '../text/text.ts';

export type WaitingRule = WaitingByRule['rules'][number];

/** Rules with pending waits: how many, when they are due, and commands for all of them. */
export function RulesTable({ rules }: { rules: readonly WaitingRule[] }) {
  // One scale for all: the strips can be compared.
  const most = Math.max(1, ...rules.flatMap(({ due_by_hour: hours }) => hours));
  return (
    <FactRows
      testId="waiting-rules"
      items={rules}
      getId={({ rule }) => rule}
      columns={{
        [t('Rule')]: ({ rule }) => (
          <a className="name" href={linkToWaiting({ rule })}>
            {rule}
          </a>
        ),
        [t('Waits')]: (one) => (
          <>
            {toCount(one, one.waits)}
            <Text size="xs" c="dimmed">
              {t('{users, plural, one {{shown} user} other {{shown} users}}', {
                users: one.users,
                shown: toCount(one, one.users),
              })}
            </Text>
          </>
        ),
        [t('Due in the next 24 hours')]: (one) => <DueStrip hours={one.due_by_hour} most={most} />,
        [t('Next due')]: (one) => <NextDue rule={one} />,
        [t('Oldest version')]: ({ oldest_version: version }) => version,
        [t('Commands')]: ({ rule }) => <RuleActions rule={rule} />,
      }}
    />
  );
}

const toCount = (one: WaitingRule, value: number): string => `${formatCount(value)}${one.at_least ? '+' : ''}`;

function NextDue({ rule: { next_due_at: due, overdue, set_aside: setAside } }: { rule: WaitingRule }) {
  return (
    <>
      <Time value={due} as="full" />
      {overdue > 0 && (
        <Text size="xs" c={getTextColor('orange')} data-testid="waits-overdue">
          {t('{overdue, number} overdue', { overdue })}
          {setAside > 0 && `, ${t('{setAside, number} set aside', { setAside })}`}
        </Text>
      )}
    </>
  );
}

/** Waits due in each of the next hours: a square each, darker for more. The text says the same. */
function DueStrip({ hours, most }: { hours: readonly number[]; most: number }) {
  const day = hours.reduce((sum, each) => sum + each, 0);
  return (
    <div data-testid="due-strip">
      <div className="due-strip" aria-hidden="true">
        {hours.map((value, hour) => (
          <span
            // biome-ignore lint/suspicious/noArrayIndexKey: the hour is what it is about
            key={hour}
            title={t('in {from} to {until} h: {count}', { from: hour, until: hour + 1, count: value })}
            data-level={toLevel(value, most)}
          />
        ))}
      </div>
      <Text size="xs" c="dimmed">
        {t('{hour, number} in an hour, {day, number} in a day', { hour: hours[0] ?? 0, day })}
      </Text>
    </div>
  );
}

/** Returns 0 for none, and 1 to 4 by the order of magnitude. */
function toLevel(value: number, most: number): number {
  return value === 0 ? 0 : Math.max(1, Math.ceil((4 * Math.log(value + 1)) / Math.log(most + 1)));
}

/** Commands for all pending waits of a rule, as jobs. */
export function RuleActions({ rule }: { rule: string }) {
  const filter = { rule };
  return (
    <Group gap="xs">
      <JobButton
        request={{ action: 'waits.cancel', filter }}
        label={t('Cancel all')}
        note={t('All pending waits of {rule} end, and send nothing.', { rule })}
        leftSection={<IconBan size={14} />}
        testId="waits-cancel"
      />
      <JobButton
        request={{ action: 'waits.migrate', filter }}
        label={t('Migrate all')}
        note={t(
          'Pending waits of {rule} move to the active version of the catalog, and end by it. The others end by the version they began with.',
          { rule },
        )}
        leftSection={<IconRefresh size={14} />}
        testId="waits-migrate"
      />
      <JobButton
        request={{ action: 'waits.fire', filter }}
        label={t('Fire all now')}
        note={t(
          'Pending waits of {rule} end now as they would at their time. What waits for the absence of an event is left as it is: whether the event stays away is not known yet.',
          { rule },
        )}
        leftSection={<IconClock size={14} />}
        testId="waits-fire"
      />
    </Group>
  );
}
