import { Alert, Text } from '@mantine/core';
import type { IngestAnswer, RefusedEvent } from '../api.ts';
import { userLink } from '../route.ts';
import { IconCheck } from '../shell/icons.tsx';
import { lookOf, OUTCOMES } from '../shell/outcome.ts';
import { eventName, getUser } from './event-name.ts';

export interface Taken {
  readonly refused: RefusedEvent;
  readonly answer: IngestAnswer;
}

/** What became of a refused event that was taken in after all. */
export function RetryAccepted({ taken: { refused, answer } }: { taken: Taken }) {
  const user = getUser(refused);
  const result = answer.results[0];
  const decisions = result?.decisions ?? [];
  return (
    <Alert color="teal" variant="light" icon={<IconCheck />} data-testid="taken-in">
      <Text size="sm" className="break">
        {answer.duplicates > 0 ? 'It was stored already: ' : 'Taken in: '}
        {eventName(refused)}.{' '}
        {decisions.length === 0
          ? 'No rule listens to it.'
          : `${decisions.map(({ notification_type: type, outcome }) => `${type}: ${lookOf(OUTCOMES, outcome).label.toLowerCase()}`).join(', ')}.`}{' '}
        {user !== undefined && <a href={userLink(user, result?.event_id ?? undefined)}>See it</a>}
      </Text>
    </Alert>
  );
}
