import { useMutation, useQueryClient } from '@tanstack/react-query';
import type { Wait } from '@tidings/client/types';
import { cancelWait } from '../api/waits.ts';
import { ActionButton } from '../shell/ActionButton.tsx';
import { announce } from '../shell/announce.tsx';
import { IconBan } from '../shell/icons.tsx';
import { ProblemView } from '../shell/ProblemView.tsx';
import { t } from '../text/text.ts';

/** Button that cancels a pending wait. Renders nothing for a wait that has ended. */
export function CancelWaitButton({ wait }: { wait: Wait }) {
  const queries = useQueryClient();
  const cancel = useMutation({
    mutationFn: () => cancelWait(wait.wait_id),
    onSuccess: () => announce(t('Cancelled: the wait of {rule}.', { rule: wait.rule })),
    onSettled: () => queries.invalidateQueries({ queryKey: ['waits', wait.user_id] }),
  });
  if (cancel.error) return <ProblemView problem={cancel.error} />;
  if (wait.status !== 'waiting') return null;
  return (
    <ActionButton
      needs="waits:write"
      action="cancel-wait"
      leftSection={<IconBan size={14} />}
      busy={cancel.isPending}
      onClick={() => cancel.mutate()}
      data-testid="cancel-wait"
    >
      {t('Cancel')}
    </ActionButton>
  );
}
