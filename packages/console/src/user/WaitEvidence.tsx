import { Text } from '@mantine/core';
import type { Evidence } from '@tidings/client/types';
import { linkToUser } from '../route.ts';
import { Time } from '../shell/Time.tsx';
import { getWaitLabel } from '../shell/wait-kinds.ts';
import { T } from '../text/T.tsx';
import { t } from '../text/text.ts';

/** Evidence of a wait: start, due time, earlier due time if it was moved, and the event that ended it. */
export function WaitEvidence({ userId, wait }: { userId: string; wait: NonNullable<Evidence['wait']> }) {
  const { kind, since, due_at: dueAt, moved_from: movedFrom, ended_by: endedBy } = wait;
  return (
    <>
      <Text size="sm">{t('For {wait}', { wait: getWaitLabel(kind) })}</Text>
      <dl className="fields words">
        {kind !== 'every' && (
          <>
            <dt>{t('since')}</dt>
            <dd>
              <Time value={since} as="full" />
            </dd>
          </>
        )}
        <dt>{t('due')}</dt>
        <dd>
          <Time value={dueAt} as="full" />
        </dd>
        {movedFrom && (
          <>
            <dt>{t('moved from')}</dt>
            <dd>
              <Time value={movedFrom.due_at} as="full" />
            </dd>
          </>
        )}
        {endedBy && (
          <>
            <dt>{t('ended by')}</dt>
            <dd>
              <T
                text="{event} of {time}"
                values={{
                  event: <a href={linkToUser(userId, endedBy.event_id)}>{endedBy.event_type}</a>,
                  time: <Time value={endedBy.at} as="full" />,
                }}
              />
            </dd>
          </>
        )}
      </dl>
    </>
  );
}
