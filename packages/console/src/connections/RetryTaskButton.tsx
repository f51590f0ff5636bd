import { Popover } from '@mantine/core';
import { useMutation, useQueryClient } from '@tanstack/react-query';
import type { ConnectorTask } from '@tidings/client/types';
import { retryTask } from '../api/connections.ts';
import { ActionButton } from '../shell/ActionButton.tsx';
import { announce } from '../shell/announce.tsx';
import { IconRefresh } from '../shell/icons.tsx';
import { ProblemView } from '../shell/ProblemView.tsx';
import { t } from '../text/text.ts';

/** Button that runs a failed task again. */
export function RetryTaskButton({ task }: { task: ConnectorTask }) {
  const queries = useQueryClient();
  const retry = useMutation({
    mutationFn: () => retryTask(task.task_id),
    onSuccess: () => {
      announce(t('Run again: {connector} for {user}.', { connector: task.connector, user: task.user_id }));
      return Promise.all(
        [['connector-tasks'], ['connectors']].map((queryKey) => queries.invalidateQueries({ queryKey })),
      );
    },
  });
  return (
    <Popover opened={retry.isError} onDismiss={retry.reset} width={320} withArrow trapFocus>
      <Popover.Target>
        <ActionButton
          needs="deliveries:write"
          action="retry"
          leftSection={<IconRefresh size={14} />}
          busy={retry.isPending}
          onClick={() => retry.mutate()}
          data-testid="retry-task"
        >
          {t('Retry')}
        </ActionButton>
      </Popover.Target>
      <Popover.Dropdown>
        {retry.error && <ProblemView problem={retry.error} retry={() => retry.mutate()} />}
      </Popover.Dropdown>
    </Popover>
  );
}
