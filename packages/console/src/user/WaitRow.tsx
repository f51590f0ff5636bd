import { Group, Text } from '@mantine/core';
import type { Wait } from '@tidings/client/types';
import { linkToUser } from '../route.ts';
import { DueTime } from '../shell/DueTime.tsx';
import { getLook, type Look, OUTCOMES, SET_ASIDE, WAITS } from '../shell/outcome.ts';
import { StatusBadge } from '../shell/StatusBadge.tsx';
import { Time } from '../shell/Time.tsx';
import { getWaitLabel } from '../shell/wait-kinds.ts';
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
        {status === 'waiting' ? 'Waits' : 'Waited'} for {getWaitLabel(kind)}
        {key !== null && (
          <>
            , key <span className="name">{key}</span>
          </>
        )}
        {items !== null && `, ${items} collected`}
      </Text>
      {kind !== 'every' && (
        <Text size="sm" c="dimmed" className="break">
          since <a href={linkToUser(userId, eventId)}>{wait.event_type}</a> of{' '}
          <Time value={wait.event_timestamp} as="full" />
        </Text>
      )}
      <WaitFailure wait={wait} />
      {status === 'waiting' ? (
        <Text size="sm">
          Due <DueTime value={wait.due_at} now={now} zone={zone} />
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
      {retryAt === null ? 'Set aside' : 'Could not be fired'} after {attempts} {attempts === 1 ? 'attempt' : 'attempts'}
      : {reason}
      {retryAt !== null && (
        <>
          , next attempt <Time value={retryAt} as="full" />
        </>
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
          <>
            ended <Time value={endedAt} as="full" />
          </>
        )}
        {endedBy !== null && (
          <>
            {' by '}
            <a href={linkToUser(userId, endedBy)}>this event</a>
          </>
        )}
      </Text>
      {[...new Set(decisions.map(({ reason }) => reason))].map((reason) => (
        <Text key={reason} size="sm">
          {reason}
        </Text>
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
