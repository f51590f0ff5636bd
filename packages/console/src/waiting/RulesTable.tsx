import { Group, Text } from '@mantine/core';
import type { WaitingByRule } from '@tidings/client/types';
import { FactRows } from '../channels/FactTable.tsx';
import { JobButton } from '../jobs/JobButton.tsx';
import { count } from '../jobs/job-text.ts';
import { linkToWaiting } from '../route.ts';
import { IconBan, IconClock, IconRefresh } from '../shell/icons.tsx';
import { getTextColor } from '../shell/outcome.ts';
import { Time } from '../shell/Time.tsx';

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
        Rule: ({ rule }) => (
          <a className="name" href={linkToWaiting({ rule })}>
            {rule}
          </a>
        ),
        Waits: (one) => (
          <>
            {toCount(one, one.waits)}
            <Text size="xs" c="dimmed">
              {toCount(one, one.users)} {one.users === 1 ? 'user' : 'users'}
            </Text>
          </>
        ),
        'Due in the next 24 hours': (one) => <DueStrip hours={one.due_by_hour} most={most} />,
        'Next due': (one) => <NextDue rule={one} />,
        'Oldest version': ({ oldest_version: version }) => version,
        Commands: ({ rule }) => <RuleActions rule={rule} />,
      }}
    />
  );
}

const toCount = (one: WaitingRule, value: number): string => `${count(value)}${one.at_least ? '+' : ''}`;

function NextDue({ rule: { next_due_at: due, overdue, set_aside: setAside } }: { rule: WaitingRule }) {
  return (
    <>
      <Time value={due} as="full" />
      {overdue > 0 && (
        <Text size="xs" c={getTextColor('orange')} data-testid="waits-overdue">
          {count(overdue)} overdue{setAside > 0 && `, ${count(setAside)} set aside`}
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
          // biome-ignore lint/suspicious/noArrayIndexKey: the hour is what it is about
          <span key={hour} title={`in ${hour} to ${hour + 1} h: ${value}`} data-level={toLevel(value, most)} />
        ))}
      </div>
      <Text size="xs" c="dimmed">
        {count(hours[0] ?? 0)} in an hour, {count(day)} in a day
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
        label="Cancel all"
        note={`All pending waits of ${rule} end, and send nothing.`}
        leftSection={<IconBan size={14} />}
        testId="waits-cancel"
      />
      <JobButton
        request={{ action: 'waits.migrate', filter }}
        label="Migrate all"
        note={`Pending waits of ${rule} move to the active version of the catalog, and end by it. The others end by the version they began with.`}
        leftSection={<IconRefresh size={14} />}
        testId="waits-migrate"
      />
      <JobButton
        request={{ action: 'waits.fire', filter }}
        label="Fire all now"
        note={`Pending waits of ${rule} end now as they would at their time. What waits for the absence of an event is left as it is: whether the event stays away is not known yet.`}
        leftSection={<IconClock size={14} />}
        testId="waits-fire"
      />
    </Group>
  );
}
