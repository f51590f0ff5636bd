import { Button, Group, NativeSelect, Stack, Text } from '@mantine/core';
import { useMutation } from '@tanstack/react-query';
import type { DraftBacktest } from '@tidings/client/types';
import { useState } from 'react';
import { backtestDraft } from '../api/drafts.ts';
import { linkToUser } from '../route.ts';
import { Disclosure } from '../shell/Disclosure.tsx';
import { ProblemView } from '../shell/ProblemView.tsx';
import { IconPlay } from '../shell/page-icons.tsx';
import { Time } from '../shell/Time.tsx';
import { T } from '../text/T.tsx';
import { t } from '../text/text.ts';
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
          label={t('Period')}
          value={days}
          onChange={(event) => setDays(event.currentTarget.value)}
          data={['1', '7', '30', '90'].map((value) => ({
            value,
            label: t('{days, plural, one {The last day} other {The last # days}}', { days: Number(value) }),
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
          {t('Backtest')}
        </Button>
      </Group>
      <Text size="xs" c="dimmed">
        <T
          text="Up to 200,000 events or 20 seconds. For more, use {command}."
          values={{ command: <span className="name">tidings backtest</span> }}
        />
      </Text>
      <div role="status">
        {run.isPending && <Text size="sm">{t('Replaying…')}</Text>}
        {run.data && <Summary report={run.data} />}
      </div>
      {run.error && <ProblemView problem={run.error} />}
      {run.data?.types.map((type) => (
        <OfType key={type.type} report={type} />
      ))}
    </Stack>
  );
}

function Summary({ report }: { report: DraftBacktest }) {
  const { totals, load, users, total_users: all, events, left_out: left, reached } = report;
  const { added, removed, unchanged, moved, replanned } = totals;
  const hour = load.busiest_hour;
  return (
    <Stack gap={4} data-testid="backtest-summary">
      <Text size="sm" fw={600}>
        {t(
          '+{added, number} would get it, −{removed, number} no longer, {changed, number} at another time or by other channels, {unchanged, number} as before.',
          { added, removed, unchanged, changed: moved + replanned },
        )}
      </Text>
      <Text size="sm">
        {t(
          'Twice or more on a day: {repeated, number} times (before: {repeatedBefore, number}). More than 3 a day: {crowded, plural, one {# user} other {# users}} (before: {crowdedBefore, number}).',
          {
            repeated: load.repeated.new,
            repeatedBefore: load.repeated.live,
            crowded: load.crowded_users.new,
            crowdedBefore: load.crowded_users.live,
          },
        )}
      </Text>
      {hour.new && (
        <Text size="sm">
          <T
            text="Busiest hour: {sends, number} from {time} (before: {before, number})."
            values={{
              sends: hour.new.sends,
              time: <Time value={hour.new.hour} as="full" />,
              before: hour.live?.sends ?? 0,
            }}
          />
        </Text>
      )}
      <Text size="xs" c="dimmed">
        {t(
          '{users, number} of {all, plural, one {# user} other {# users}}, {events, plural, one {# event} other {# events}}.',
          {
            users,
            all,
            events,
          },
        )}
        {reached !== null && ` ${t('It ended at its bound: later users are not in it.')}`}
        {left.length > 0 &&
          ` ${t('{count, plural, one {# user} other {# users}} with more history than is replayed here are left out.', { count: left.length })}`}
      </Text>
    </Stack>
  );
}

type TypeReport = DraftBacktest['types'][number];
type Example = TypeReport['examples'][number];

const CHANGES: Record<Example['change'], string> = {
  added: t('would get it'),
  removed: t('would get it no longer'),
  moved: t('at another time'),
  replanned: t('by other channels'),
};

function OfType({ report }: { report: TypeReport }) {
  const { type, added, removed, moved, replanned, examples } = report;
  if (added + removed + moved + replanned === 0) return null;
  return (
    <section aria-label={type} data-testid="backtest-type">
      <Text size="sm" fw={600}>
        <span className="name">{type}</span>{' '}
        {t('+{added, number} −{removed, number}, {changed, number} changed', {
          added,
          removed,
          changed: moved + replanned,
        })}
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
          <Side label={t('What was decided')} decision={live} userId={userId} />
          <Side label={t('The draft decides')} decision={next} userId={userId} />
        </div>
        <a href={linkToUser(userId)}>{t('Open the user')}</a>
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
          {t('Nothing.')}
        </Text>
      )}
    </section>
  );
}
