import { Text } from '@mantine/core';
import { useMutation } from '@tanstack/react-query';
import type { Webhook, WebhookTestResult } from '@tidings/client/types';
import { testWebhook } from '../api/webhooks.ts';
import { ActionButton } from '../shell/ActionButton.tsx';
import { IconSend } from '../shell/icons.tsx';
import { ProblemView } from '../shell/ProblemView.tsx';
import { t } from '../text/text.ts';

/** Button that sends a test request, and says what the endpoint answered. */
export function TestEndpoint({ endpoint: { endpoint_id: id } }: { endpoint: Webhook }) {
  const test = useMutation({ mutationFn: () => testWebhook(id) });
  return (
    <>
      <ActionButton
        needs="webhooks:write"
        action="test"
        busy={test.isPending}
        leftSection={<IconSend size={14} />}
        onClick={() => test.mutate()}
        data-testid="webhook-test"
      >
        {t('Send a test')}
      </ActionButton>
      {test.error && <ProblemView problem={test.error} />}
      {test.data && (
        <Text size="sm" className="break" role="status" data-testid="webhook-answer">
          {describe(test.data)}
        </Text>
      )}
    </>
  );
}

function describe({ outcome, response, reason, duration_ms: ms }: WebhookTestResult): string {
  const answer = response === null ? '' : ` ${t('It answered: {response}', { response })}`;
  if (outcome === 'sent') return `${t('The test succeeded after {ms} ms.', { ms })}${answer}`;
  if (outcome === 'sandboxed') return t('The test stayed in the sandbox: nothing left this machine.');
  const failed =
    reason === null
      ? t('The test failed after {ms} ms: without a reason.', { ms })
      : t('The test failed after {ms} ms: {reason}.', { ms, reason });
  return `${failed}${answer}`;
}
