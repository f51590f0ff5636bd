import { Alert, Text } from '@mantine/core';
import type { IngestAnswer, RefusedEvent } from '../api.ts';
import { userLink } from '../route.ts';
import { IconCheck } from '../shell/icons.tsx';
import { lookOf, OUTCOMES } from '../shell/outcome.ts';
import { eventName, getUser } from './event-name.ts';

export interface Taken {
  readonly rejected: RefusedEvent;
  readonly answer: IngestAnswer;
}

/** The result of a rejected event that was accepted on retry. */
export function RetryAccepted({ taken: { rejected, answer } }: { taken: Taken }) {
  const user = getUser(rejected);
  const result = answer.results[0];
  const decisions = result?.decisions ?? [];
  return (
    <Alert color="teal" variant="light" icon={<IconCheck />} data-testid="taken-in">
      <Text size="sm" className="break">
        {answer.duplicates > 0 ? 'Already stored: ' : 'Accepted: '}
        {eventName(rejected)}.{' '}
        {decisions.length === 0
          ? 'No rule listens to it.'
          : `${decisions.map(({ notification_type: type, outcome }) => `${type}: ${lookOf(OUTCOMES, outcome).label.toLowerCase()}`).join(', ')}.`}{' '}
        {user !== undefined && <a href={userLink(user, result?.event_id ?? undefined)}>See it</a>}
      </Text>
    </Alert>
  );
}
