import { Anchor, Group, Stack, Text } from '@mantine/core';
import type { Webhook } from '@tidings/client/types';
import { getWebhooks } from '../api/channels.ts';
import { FactTable } from '../channels/FactTable.tsx';
import { isPortal } from '../portal/is-portal.ts';
import { linkToWebhook } from '../route.ts';
import { PageTitle } from '../shell/PageTitle.tsx';
import { Permitted } from '../shell/Permitted.tsx';
import { StatusBadge } from '../shell/StatusBadge.tsx';
import { Time } from '../shell/Time.tsx';
import { t } from '../text/text.ts';
import { PortalLink } from './PortalLink.tsx';
import { CreateWebhook } from './WebhookSecrets.tsx';
import { describeTypes, getEndpointLook } from './webhook-look.ts';

/** Endpoints of webhooks, each with whether its messages arrive. */
export function WebhooksPage() {
  return (
    <Stack gap="md">
      <Group justify="space-between">
        <PageTitle>{t('Webhooks')}</PageTitle>
        <Group gap="xs">
          {!isPortal && <PortalLink />}
          <CreateWebhook />
        </Group>
      </Group>
      <Permitted scope="webhooks:read">
        <FactTable
          title={t('Endpoints')}
          testId="webhooks"
          load={getWebhooks}
          getItems={({ webhooks }) => webhooks}
          getId={({ endpoint_id: id }) => id}
          empty={t(
            'No endpoint. One that you create receives messages of the channel webhook, or facts about all channels.',
          )}
          columns={{
            [t('Endpoint')]: ({ endpoint_id: id, url, description }: Webhook) => (
              <>
                <Anchor className="break" href={linkToWebhook(id)} data-testid="webhook-link">
                  {url}
                </Anchor>
                {description !== '' && (
                  <Text size="xs" c="dimmed" className="break">
                    {description}
                  </Text>
                )}
              </>
            ),
            [t('Receives')]: (endpoint: Webhook) => <span className="break">{describeTypes(endpoint)}</span>,
            [t('State')]: (endpoint: Webhook) => (
              <StatusBadge look={getEndpointLook(endpoint)} testId="webhook-state" />
            ),
            [t('Since')]: ({ state, state_changed_at: changedAt, failing_since: failingSince }: Webhook) => (
              <Time value={state === 'active' ? (failingSince ?? changedAt) : changedAt} />
            ),
          }}
        />
      </Permitted>
    </Stack>
  );
}
