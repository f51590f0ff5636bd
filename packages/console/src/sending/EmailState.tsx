import { Text } from '@mantine/core';
import type { SendingState } from '@tidings/client/types';
import { Cause } from '../shell/Cause.tsx';
import { IconAlert, IconCircle, IconPause } from '../shell/icons.tsx';
import type { Look } from '../shell/outcome.ts';
import { StatusBadge } from '../shell/StatusBadge.tsx';
import { Time } from '../shell/Time.tsx';
import { T } from '../text/T.tsx';
import { t } from '../text/text.ts';

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
        <T
          text={
            standing.state === 'paused'
              ? 'since {time}: {cause}. Emails wait, but those of SECURITY; to go on, run {command}'
              : 'since {time}: {cause}.'
          }
          values={{
            time: <Time value={standing.since} as="full" />,
            cause: <Cause words={standing.cause} />,
            command: (
              <code>
                tidings sending resume{standing.notification_type !== null && ` --type ${standing.notification_type}`}
              </code>
            ),
          }}
        />
      </Text>
    </>
  );
}

const PAUSED: Look = { label: t('Paused'), color: 'red', Icon: IconPause };
const ALERTED: Look = { label: t('Alert'), color: 'orange', Icon: IconAlert };
const BELOW: Look = { label: t('Below the thresholds'), color: 'gray', Icon: IconCircle };
const TOO_FEW: Look = { label: t('Too few to judge'), color: 'gray', Icon: IconCircle };
