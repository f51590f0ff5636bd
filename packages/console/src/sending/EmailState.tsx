import { Text } from '@mantine/core';
import type { SendingState } from '@tidings/client/types';
import { IconAlert, IconCircle, IconPause } from '../shell/icons.tsx';
import type { Look } from '../shell/outcome.ts';
import { StatusBadge } from '../shell/StatusBadge.tsx';
import { Time } from '../shell/Time.tsx';

interface EmailStateProps {
  readonly counts: SendingState['counts'][number];
  /** Absent: neither an alert nor a pause. */
  readonly standing: SendingState['emails'][number] | undefined;
  readonly minEmails: number;
}

/** Whether emails of a type are sent, and why not. */
export function EmailState({ counts, standing, minEmails }: EmailStateProps) {
  if (!standing) return <StatusBadge look={counts.ended < minEmails ? TOO_FEW : BELOW} testId="email-state" />;
  return (
    <>
      <StatusBadge look={standing.state === 'paused' ? PAUSED : ALERTED} testId="email-state" />
      <Text size="sm" component="div">
        since <Time value={standing.since} as="full" />: {standing.cause}.
        {standing.state === 'paused' && ' Emails wait, but those of SECURITY; to go on, run '}
        {standing.state === 'paused' && (
          <code>
            tidings sending resume{standing.notification_type === null ? '' : ` --type ${standing.notification_type}`}
          </code>
        )}
      </Text>
    </>
  );
}

const PAUSED: Look = { label: 'Paused', color: 'red', Icon: IconPause };
const ALERTED: Look = { label: 'Alert', color: 'orange', Icon: IconAlert };
const BELOW: Look = { label: 'Below the thresholds', color: 'gray', Icon: IconCircle };
const TOO_FEW: Look = { label: 'Too few to judge', color: 'gray', Icon: IconCircle };
