import { useQueryClient } from '@tanstack/react-query';
import type { Wait } from '@tidings/client/types';
import { cancelWait } from '../api/waits.ts';
import { ConfirmButton } from '../shell/ConfirmButton.tsx';
import { IconBan } from '../shell/icons.tsx';
import { t } from '../text/text.ts';

/** Button that cancels a pending wait, after a question. Renders nothing for a wait that has ended. */
export function CancelWaitButton({ wait }: { wait: Wait }) {
  const queries = useQueryClient();
  if (wait.status !== 'waiting') return null;
  return (
    <ConfirmButton
      needs="waits:write"
      label={t('Cancel')}
      leftSection={<IconBan size={14} />}
      color="red"
      testId="cancel-wait"
      act={async () => {
        try {
          await cancelWait(wait.wait_id);
          return t('Cancelled: the wait of {rule}.', { rule: wait.rule });
        } finally {
          void queries.invalidateQueries({ queryKey: ['waits', wait.user_id] });
        }
      }}
    >
      {t('The wait of {rule} for {user} ends, and nothing is sent for it. It cannot be begun again.', {
        rule: wait.rule,
        user: wait.user_id,
      })}
    </ConfirmButton>
  );
}
