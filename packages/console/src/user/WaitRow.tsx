import { Group, Text } from '@mantine/core';
import type { Wait } from '@tidings/client/types';
import { linkToUser } from '../route.ts';
import { DueTime } from '../shell/DueTime.tsx';
import { getLook, type Look, OUTCOMES, SET_ASIDE, WAITS } from '../shell/outcome.ts';
import { Reason } from '../shell/Reason.tsx';
import { StatusBadge } from '../shell/StatusBadge.tsx';
import { Time } from '../shell/Time.tsx';
import { uniqueBy } from '../shell/unique-by.ts';
import { getWaitLabel } from '../shell/wait-kinds.ts';
import { T } from '../text/T.tsx';
import { t } from '../text/text.ts';
import { CancelWaitButton } from './CancelWaitButton.tsx';
import { RetryWaitButton } from './RetryWaitButton.tsx';

/** Wait of a rule: its kind, trigger event, due time, and for an ended wait the outcome. */
export function WaitRow({ wait, now, zone }: { wait: Wait; now: number; zone: string | null }) {
  const { user_id: userId, rule, key, kind, status, event_id: eventId, items } = wait;
  return (
    <div className="wait" data-row data-testid="wait" data-status={status} data-rule={rule}>
      <Group gap="xs">
        <StatusBadge look={getWaitLook(wait)} />
        <span className="name">{rule}</span>
        <RetryWaitButton wait={wait} />
        <CancelWaitButton wait={wait} />
      </Group>
      <Text size="sm" mt={4} className="break">
        <T
          text="{isWaiting, select, true {Waits for {wait}} other {Waited for {wait}}}{hasKey, select, true {, key {key}} other {}}{hasItems, select, true {, {items, number} collected} other {}}"
          values={{
            isWaiting: status === 'waiting',
            wait: getWaitLabel(kind),
            hasKey: key !== null,
            key: <span className="name">{key}</span>,
            hasItems: items !== null,
            items,
          }}
        />
      </Text>
      {kind !== 'every' && (
        <Text size="sm" c="dimmed" className="break">
          <T
            text="since {event} of {time}"
            values={{
              event: <a href={linkToUser(userId, eventId)}>{wait.event_type}</a>,
              time: <Time value={wait.event_timestamp} as="full" />,
            }}
          />
        </Text>
      )}
      <WaitFailure wait={wait} />
      {status === 'waiting' ? (
        <Text size="sm">
          <T text="Due {time}" values={{ time: <DueTime value={wait.due_at} now={now} zone={zone} /> }} />
        </Text>
      ) : (
        <WaitEnd wait={wait} />
      )}
    </div>
  );
}

/** Why a wait could not be fired, and what happens next. Renders nothing for any other wait. */
function WaitFailure({ wait: { failure } }: { wait: Wait }) {
  if (failure === null) return null;
  const { attempts, reason, retry_at: retryAt } = failure;
  return (
    <Text size="sm" c="red" className="break" data-testid="wait-failure">
      {retryAt === null ? (
        t('Set aside after {attempts, plural, one {# attempt} other {# attempts}}: {reason}', { attempts, reason })
      ) : (
        <T
          text="Could not be fired after {attempts, plural, one {# attempt} other {# attempts}}: {reason}, next attempt {time}"
          values={{ attempts, reason, time: <Time value={retryAt} as="full" /> }}
        />
      )}
    </Text>
  );
}

function WaitEnd({ wait }: { wait: Wait }) {
  const { user_id: userId, ended_at: endedAt, ended_by: endedBy, decisions } = wait;
  return (
    <>
      <Text size="sm" c="dimmed">
        {endedAt !== null && (
          <T
            text={endedBy === null ? 'ended {time}' : 'ended {time} by <link>this event</link>'}
            values={{
              time: <Time value={endedAt} as="full" />,
              link: (words) => <a href={linkToUser(userId, endedBy ?? '')}>{words}</a>,
            }}
          />
        )}
      </Text>
      {uniqueBy(decisions, ({ reason }) => reason).map(({ reason_code: code, reason }) => (
        <Reason key={reason} code={code} sentence={reason} />
      ))}
    </>
  );
}

/** Returns the look of the first decision made at the end of a wait, or else of its status. */
function getWaitLook({ status, decisions, failure }: Wait): Look {
  if (failure?.set_aside_at) return SET_ASIDE;
  const decision = status === 'waiting' ? undefined : decisions[0];
  return decision ? getLook(OUTCOMES, decision.outcome) : getLook(WAITS, status);
}
