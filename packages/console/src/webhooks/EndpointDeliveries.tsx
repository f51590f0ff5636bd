import { Stack, Text } from '@mantine/core';
import { useMutation, useQueryClient } from '@tanstack/react-query';
import type { WebhookDelivery } from '@tidings/client/types';
import { getWebhookDeliveries, replayWebhookDelivery } from '../api/webhooks.ts';
import { FactTable } from '../channels/FactTable.tsx';
import { isPortal } from '../portal/is-portal.ts';
import { linkToUser } from '../route.ts';
import { ActionButton } from '../shell/ActionButton.tsx';
import { announce } from '../shell/announce.tsx';
import { Disclosure } from '../shell/Disclosure.tsx';
import { getHold } from '../shell/outcome.ts';
import { IconUndo } from '../shell/page-icons.tsx';
import { Reason } from '../shell/Reason.tsx';
import { StatusBadge } from '../shell/StatusBadge.tsx';
import { Time } from '../shell/Time.tsx';
import { T } from '../text/T.tsx';
import { t } from '../text/text.ts';
import { getStatusLook } from './webhook-look.ts';

/** Messages to an endpoint, newest first, each with its attempts and their answers. */
export function EndpointDeliveries({ id }: { id: string }) {
  return (
    <FactTable
      title={t('Messages')}
      testId="webhook-deliveries"
      of={id}
      load={(after) => getWebhookDeliveries(id, after)}
      getItems={({ deliveries }) => deliveries}
      getId={({ delivery_id: deliveryId }) => deliveryId}
      empty={t('Nothing was due for it yet.')}
      columns={{
        [t('Type')]: ({ notification_type: type }) => <span className="name">{type}</span>,
        [t('User')]: ({ user_id: userId }) =>
          isPortal ? (
            <span className="break">{userId}</span>
          ) : (
            <a className="user-link" href={linkToUser(userId)} title={userId}>
              {userId}
            </a>
          ),
        [t('State')]: (delivery) => (
          <>
            <StatusBadge look={getStatusLook(delivery)} testId="webhook-delivery-state" />
            <Reason code={delivery.reason_code ?? getHold(delivery)} sentence={delivery.reason} size="xs" />
          </>
        ),
        [t('Created')]: ({ created_at: at }) => <Time value={at} />,
        [t('Attempts')]: (delivery) => <Attempts delivery={delivery} />,
        [t('Actions')]: ({ delivery_id: deliveryId, finished_at: finishedAt }) =>
          finishedAt !== null && <ReplayOne id={id} deliveryId={deliveryId} />,
      }}
    />
  );
}

function Attempts({ delivery: { attempts, due_at: dueAt } }: { delivery: WebhookDelivery }) {
  if (attempts.length === 0) return dueAt === null ? t('none') : <Time value={dueAt} />;
  return (
    <Disclosure label={String(attempts.length)} testId="webhook-attempts">
      <Stack gap={6}>
        {attempts.map(({ attempt, started_at: at, duration_ms: ms, outcome, code, reason, response }) => (
          <div key={attempt}>
            <Text size="xs">
              <T text="{time}, {outcome} after {ms} ms" values={{ time: <Time value={at} as="full" />, outcome, ms }} />
              {code !== null && `, ${code}`}
            </Text>
            {(response ?? reason) !== null && (
              <Text size="xs" c="dimmed" className="break">
                {response ?? reason}
              </Text>
            )}
          </div>
        ))}
      </Stack>
    </Disclosure>
  );
}

function ReplayOne({ id, deliveryId }: { id: string; deliveryId: string }) {
  const queries = useQueryClient();
  const replay = useMutation({
    mutationFn: () => replayWebhookDelivery(id, deliveryId),
    onSuccess: () => {
      announce(t('It is sent again.'));
      return queries.invalidateQueries({ queryKey: ['webhook-deliveries'] });
    },
    onError: (error) => announce(t('It is not sent again: {problem}.', { problem: error.message })),
  });
  return (
    <ActionButton
      needs="webhooks:write"
      action="replay"
      busy={replay.isPending}
      leftSection={<IconUndo size={14} />}
      onClick={() => replay.mutate()}
      data-testid="webhook-replay-one"
    >
      {t('Replay')}
    </ActionButton>
  );
}
