import { Button, Group, NativeSelect, Stack, Text } from '@mantine/core';
import { useMutation } from '@tanstack/react-query';
import type { DraftBacktest } from '@tidings/client/types';
import { useState } from 'react';
import { backtestDraft } from '../api/drafts.ts';
import { linkToUser } from '../route.ts';
import { Disclosure } from '../shell/Disclosure.tsx';
import { IconPlay } from '../shell/icons.tsx';
import { ProblemView } from '../shell/ProblemView.tsx';
import { Time } from '../shell/Time.tsx';
import { DraftDecision } from './DraftDecision.tsx';
import type { Draft } from './draft.ts';

/** Replays the last days with the draft, and shows what differs. */
export function BacktestTab({ draft }: { draft: Draft }) {
  const [days, setDays] = useState('7');
  const run = useMutation({ mutationFn: () => backtestDraft(draft.files, `${days}d`) });
  return (
    <Stack gap="sm">
      <Group gap="sm" align="end">
        <NativeSelect
          label="Period"
          value={days}
          onChange={(event) => setDays(event.currentTarget.value)}
          data={['1', '7', '30', '90'].map((value) => ({
            value,
            label: value === '1' ? 'The last day' : `The last ${value} days`,
          }))}
          data-testid="backtest-days"
        />
        <Button
          size="xs"
          leftSection={<IconPlay size={14} />}
          onClick={() => !run.isPending && run.mutate()}
          aria-busy={run.isPending}
          data-testid="backtest-run"
        >
          Backtest
        </Button>
      </Group>
      <Text size="xs" c="dimmed">
        Up to 200,000 events or 20 seconds. For more, use <span className="name">tidings backtest</span>.
      </Text>
      <div role="status">
        {run.isPending && <Text size="sm">Replaying…</Text>}
        {run.data && <Summary report={run.data} />}
      </div>
      {run.error && <ProblemView problem={run.error} />}
      {run.data?.types.map((type) => (
        <OfType key={type.type} report={type} />
      ))}
    </Stack>
  );
}

const number = (value: number) => value.toLocaleString('en');

function Summary({ report }: { report: DraftBacktest }) {
  const { totals, load, users, total_users: all, events, left_out: left, reached } = report;
  const hour = load.busiest_hour;
  return (
    <Stack gap={4} data-testid="backtest-summary">
      <Text size="sm" fw={600}>
        +{number(totals.added)} would get it, −{number(totals.removed)} no longer,{' '}
        {number(totals.moved + totals.replanned)} at another time or by other channels, {number(totals.unchanged)} as
        before.
      </Text>
      <Text size="sm">
        Twice or more on a day: {number(load.repeated.new)} times (before: {number(load.repeated.live)}). More than 3 a
        day: {number(load.crowded_users.new)} users (before: {number(load.crowded_users.live)}).
      </Text>
      {hour.new && (
        <Text size="sm">
          Busiest hour: {number(hour.new.sends)} from <Time value={hour.new.hour} as="full" />
          {hour.live && ` (before: ${number(hour.live.sends)})`}.
        </Text>
      )}
      <Text size="xs" c="dimmed">
        {number(users)} of {number(all)} users, {number(events)} events.
        {reached !== null &&
          ` It ended at its bound of ${reached === 'time' ? '20 seconds' : '200,000 events'}: the users after are not in it.`}
        {left.length > 0 && ` ${number(left.length)} users with more history than is replayed here are left out.`}
      </Text>
    </Stack>
  );
}

type TypeReport = DraftBacktest['types'][number];
type Example = TypeReport['examples'][number];

const CHANGES: Record<Example['change'], string> = {
  added: 'would get it',
  removed: 'no longer',
  moved: 'at another time',
  replanned: 'by other channels',
};

function OfType({ report }: { report: TypeReport }) {
  const { type, added, removed, moved, replanned, examples } = report;
  if (added + removed + moved + replanned === 0) return null;
  return (
    <section aria-label={type} data-testid="backtest-type">
      <Text size="sm" fw={600}>
        <span className="name">{type}</span>: +{added} −{removed}
        {moved + replanned > 0 && `, ${moved + replanned} changed`}
      </Text>
      {examples.map((example, index) => (
        // biome-ignore lint/suspicious/noArrayIndexKey: a user may be there several times
        <ExampleRow key={index} example={example} />
      ))}
    </section>
  );
}

/** A notification that differs, with the decisions of both sides beside each other. */
function ExampleRow({ example }: { example: Example }) {
  const { change, user_id: userId, live, new: next } = example;
  return (
    <div data-testid="backtest-row">
      <Disclosure
        label={
          <>
            <span className="name">{userId}</span> {CHANGES[change]}
          </>
        }
        testId="backtest-open"
      >
        <div className="sides">
          <Side label="What was decided" decision={live} userId={userId} />
          <Side label="The draft decides" decision={next} userId={userId} />
        </div>
        <a href={linkToUser(userId)}>Open the user</a>
      </Disclosure>
    </div>
  );
}

function Side({ label, decision, userId }: { label: string; decision: Example['live']; userId: string }) {
  return (
    <section aria-label={label}>
      <Text size="sm" fw={600} mb={4}>
        {label}
      </Text>
      {decision ? (
        <DraftDecision userId={userId} decision={decision} at={decision.at} />
      ) : (
        <Text size="sm" c="dimmed">
          Nothing.
        </Text>
      )}
    </section>
  );
}
