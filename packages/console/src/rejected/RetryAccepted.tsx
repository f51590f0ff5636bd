import { Alert, Text } from '@mantine/core';
import type { RejectedEvent } from '@tidings/client/types';
import type { IngestResponse } from '../api/types.ts';
import { linkToUser } from '../route.ts';
import { IconCheck } from '../shell/icons.tsx';
import { getLook, OUTCOMES } from '../shell/outcome.ts';
import { t, toInner } from '../text/text.ts';
import { formatEventName, getUser } from './event-name.ts';

export interface AcceptedRetry {
  readonly rejected: RejectedEvent;
  readonly response: IngestResponse;
}

/** Result of a rejected event that was accepted on retry. */
export function RetryAccepted({ accepted: { rejected, response } }: { accepted: AcceptedRetry }) {
  const user = getUser(rejected);
  const event = formatEventName(rejected);
  const result = response.results[0];
  const decisions = result?.decisions ?? [];
  return (
    <Alert color="teal" variant="light" icon={<IconCheck />} data-testid="retry-accepted">
      <Text size="sm" className="break">
        {response.duplicates > 0 ? t('Already stored: {event}.', { event }) : t('Accepted: {event}.', { event })}{' '}
        {decisions.length === 0
          ? t('No rule triggers on this event.')
          : `${decisions.map(({ notification_type: type, outcome }) => `${type}: ${toInner(getLook(OUTCOMES, outcome).label)}`).join(', ')}.`}{' '}
        {user !== undefined && <a href={linkToUser(user, result?.event_id ?? undefined)}>{t('View event')}</a>}
      </Text>
    </Alert>
  );
}
