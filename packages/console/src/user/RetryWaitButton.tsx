import { useMutation, useQueryClient } from '@tanstack/react-query';
import type { Wait } from '@tidings/client/types';
import { retryWait } from '../api/waits.ts';
import { ActionButton } from '../shell/ActionButton.tsx';
import { announce } from '../shell/announce.tsx';
import { ProblemView } from '../shell/ProblemView.tsx';
import { t } from '../text/text.ts';

/** Button that has a wait tried again which is set aside. Renders nothing for any other wait. */
export function RetryWaitButton({ wait }: { wait: Wait }) {
  const queries = useQueryClient();
  const retry = useMutation({
    mutationFn: () => retryWait(wait.wait_id),
    onSuccess: () => announce(t('The wait of {rule} is tried again.', { rule: wait.rule })),
    onSettled: () => queries.invalidateQueries({ queryKey: ['waits', wait.user_id] }),
  });
  if (retry.error) return <ProblemView problem={retry.error} />;
  if (!wait.failure?.set_aside_at) return null;
  return (
    <ActionButton
      needs="waits:write"
      action="retry-wait"
      busy={retry.isPending}
      onClick={() => retry.mutate()}
      data-testid="retry-wait"
    >
      {t('Retry')}
    </ActionButton>
  );
}
