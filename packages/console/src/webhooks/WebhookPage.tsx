import { Group, Paper, Skeleton, Stack, Text } from '@mantine/core';
import { useQuery, useQueryClient } from '@tanstack/react-query';
import type { Webhook } from '@tidings/client/types';
import { useState } from 'react';
import { changeWebhook, deleteWebhook, getWebhook } from '../api/webhooks.ts';
import { linkToWebhooks, openLink } from '../route.ts';
import { ConfirmButton } from '../shell/ConfirmButton.tsx';
import { IconBan, IconPause } from '../shell/icons.tsx';
import { PageTitle } from '../shell/PageTitle.tsx';
import { ProblemView } from '../shell/ProblemView.tsx';
import { IconPlay } from '../shell/page-icons.tsx';
import { StatusBadge } from '../shell/StatusBadge.tsx';
import { Time } from '../shell/Time.tsx';
import { T } from '../text/T.tsx';
import { t } from '../text/text.ts';
import { EndpointDeliveries } from './EndpointDeliveries.tsx';
import { ReplayButton } from './ReplayButton.tsx';
import { TestEndpoint } from './TestEndpoint.tsx';
import { RotateSecret } from './WebhookSecrets.tsx';
import { describeTypes, getEndpointLook } from './webhook-look.ts';

/** Messages to an endpoint are in no topic. */
const POLL_MS = 10_000;

/** One endpoint: whether it answers, what it got and what it answered, and what can be done. */
export function WebhookPage({ id }: { id: string }) {
  const [isDeleting, setDeleting] = useState(false);
  const query = useQuery({
    queryKey: ['webhooks', id],
    queryFn: () => getWebhook(id),
    meta: { every: POLL_MS },
    enabled: !isDeleting,
  });
  if (query.error) {
    return (
      <Stack gap="md">
        <PageTitle>{t('Endpoint')}</PageTitle>
        <ProblemView problem={query.error} retry={() => query.refetch()} />
      </Stack>
    );
  }
  if (query.isPending) return <Skeleton height={320} />;
  const endpoint = query.data;
  return (
    <Stack gap="md">
      <PageTitle>{endpoint.url}</PageTitle>
      <Paper withBorder p="md">
        <Stack gap="sm">
          <Group gap="sm">
            <StatusBadge look={getEndpointLook(endpoint)} testId="webhook-state" />
            <Text size="sm" className="break">
              {t('Receives {types}', { types: describeTypes(endpoint) })}
              {endpoint.description !== '' && `. ${endpoint.description}`}
            </Text>
          </Group>
          <StateText endpoint={endpoint} />
          <Group gap="xs">
            <TestEndpoint endpoint={endpoint} />
            <StateButton endpoint={endpoint} />
            <ReplayButton endpoint={endpoint} />
            <RotateSecret endpoint={endpoint} />
            <DeleteButton endpoint={endpoint} setDeleting={setDeleting} />
          </Group>
        </Stack>
      </Paper>
      {!isDeleting && <EndpointDeliveries id={id} />}
    </Stack>
  );
}

/** Says since when an endpoint fails, and what comes of it. */
function StateText({ endpoint }: { endpoint: Webhook }) {
  const { state, state_changed_at: changedAt, failing_since: failingSince, ends_at: endsAt } = endpoint;
  if (state !== 'active') {
    return (
      <Text size="sm">
        <T
          text="Disabled since {time}. What is due for it is kept, and sent when it is enabled."
          values={{ time: <Time value={changedAt} as="full" /> }}
        />
      </Text>
    );
  }
  if (failingSince === null) return null;
  return (
    <Text size="sm">
      <T text="Nothing succeeded since {time}." values={{ time: <Time value={failingSince} as="full" /> }} />
      {endsAt !== null && (
        <>
          {' '}
          <T
            text="It is disabled on {time} if nothing succeeds until then."
            values={{ time: <Time value={endsAt} as="full" /> }}
          />
        </>
      )}
    </Text>
  );
}

function StateButton({ endpoint: { endpoint_id: id, state } }: { endpoint: Webhook }) {
  const queries = useQueryClient();
  const isActive = state === 'active';
  return (
    <ConfirmButton
      needs="webhooks:write"
      label={isActive ? t('Disable') : t('Enable')}
      leftSection={isActive ? <IconPause size={14} /> : <IconPlay size={14} />}
      act={async () => {
        await changeWebhook(id, { state: isActive ? 'disabled' : 'active' });
        await queries.invalidateQueries({ queryKey: ['webhooks'] });
        return isActive ? t('The endpoint is disabled.') : t('The endpoint is active.');
      }}
      testId="webhook-toggle"
    >
      {isActive
        ? t('Nothing is sent to it until it is enabled. What is due for it is kept.')
        : t('What was kept for it is sent, the oldest first.')}
    </ConfirmButton>
  );
}

interface DeleteButtonProps {
  readonly endpoint: Webhook;
  /** Called with true while the endpoint is deleted: this page must not ask for it meanwhile. */
  readonly setDeleting: (isDeleting: boolean) => void;
}

function DeleteButton({ endpoint: { endpoint_id: id, url }, setDeleting }: DeleteButtonProps) {
  return (
    <ConfirmButton
      needs="webhooks:write"
      label={t('Delete')}
      leftSection={<IconBan size={14} />}
      color="red"
      typed={new URL(url).hostname}
      act={async () => {
        setDeleting(true);
        try {
          await deleteWebhook(id);
        } catch (error) {
          setDeleting(false);
          throw error;
        }
        openLink(linkToWebhooks());
        return t('The endpoint is deleted.');
      }}
      testId="webhook-delete"
    >
      {t('What is due for it is no longer sent. This cannot be undone.')}
    </ConfirmButton>
  );
}
