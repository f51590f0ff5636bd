import { Group, Stack, Text } from '@mantine/core';
import { useQueryClient } from '@tanstack/react-query';
import type { ApiKey } from '@tidings/client/types';
import { getKeys, revokeKey } from '../api/govern.ts';
import { FactTable } from '../channels/FactTable.tsx';
import { ConfirmButton } from '../shell/ConfirmButton.tsx';
import { Disclosure } from '../shell/Disclosure.tsx';
import { IconBan, IconCircle, IconClock } from '../shell/icons.tsx';
import type { Look } from '../shell/outcome.ts';
import { PageTitle } from '../shell/PageTitle.tsx';
import { Permitted } from '../shell/Permitted.tsx';
import { StatusBadge } from '../shell/StatusBadge.tsx';
import { Time } from '../shell/Time.tsx';
import { t } from '../text/text.ts';
import { CreateKey, RotateKey } from './IssueKey.tsx';

const TOPICS: readonly string[] = ['settings'];

const STATES: Record<ApiKey['status'], Look> = {
  active: { label: t('Active'), color: 'gray', Icon: IconCircle },
  expired: { label: t('Expired'), color: 'orange', Icon: IconClock },
  revoked: { label: t('Revoked'), color: 'red', Icon: IconBan },
};

/** Keys of the API: what each may do, when it was used, and how it is replaced. */
export function KeysPage() {
  return (
    <Stack gap="md">
      <Group justify="space-between">
        <PageTitle>{t('API keys')}</PageTitle>
        <CreateKey />
      </Group>
      <Permitted scope="keys:read">
        <FactTable
          topics={TOPICS}
          title={t('Keys')}
          testId="keys"
          load={getKeys}
          getItems={({ keys }) => keys}
          getId={({ key_id: id }) => id}
          empty={t('No key was created. Keys of the configuration are not listed.')}
          columns={{
            [t('Key')]: (key) => <Name apiKey={key} />,
            [t('State')]: ({ status, revoked_at: revokedAt }) => (
              <>
                <StatusBadge look={STATES[status]} testId="key-state" />
                {revokedAt !== null && (
                  <Text size="xs" c="dimmed" mt={2}>
                    <Time value={revokedAt} />
                  </Text>
                )}
              </>
            ),
            [t('May')]: ({ scopes }) => (
              <Disclosure
                label={t('{scopes, plural, one {# scope} other {# scopes}}', { scopes: scopes.length })}
                testId="key-scopes"
              >
                <Text size="sm" className="name break">
                  {scopes.join(', ')}
                </Text>
              </Disclosure>
            ),
            [t('Used')]: ({ last_used_at: usedAt }) => (usedAt === null ? t('never') : <Time value={usedAt} />),
            [t('Expires')]: ({ expires_at: expiresAt }) =>
              expiresAt === null ? t('never') : <Time value={expiresAt} />,
            [t('Created')]: ({ created_at: at, created_by: by }) => (
              <>
                <Time value={at} />
                <Text size="xs" c="dimmed" className="break">
                  {t('by {name}', { name: by.name })}
                </Text>
              </>
            ),
            [t('Actions')]: (key) => key.status === 'active' && <Actions apiKey={key} />,
          }}
        />
      </Permitted>
    </Stack>
  );
}

function Name({
  apiKey: { key_id: id, name, last4, environment, is_installation: isInstallation },
}: {
  apiKey: ApiKey;
}) {
  return (
    <>
      <Text size="sm" fw={600} className="break">
        {name}
      </Text>
      <Text size="xs" c="dimmed" className="name">
        {`td_${environment}_${id}…${last4}`}
      </Text>
      {isInstallation && (
        <Text size="xs" c="dimmed">
          {t('for every tenant')}
        </Text>
      )}
    </>
  );
}

function Actions({ apiKey: key }: { apiKey: ApiKey }) {
  const queries = useQueryClient();
  return (
    <Group gap="xs">
      <RotateKey apiKey={key} />
      <ConfirmButton
        needs="keys:write"
        label={t('Revoke')}
        leftSection={<IconBan size={14} />}
        color="red"
        typed={key.name}
        act={async () => {
          await revokeKey(key.key_id);
          await queries.invalidateQueries({ queryKey: ['keys'] });
          return t('The key {name} is revoked.', { name: key.name });
        }}
        testId="key-revoke"
      >
        {t(
          'Requests with this key fail from now on. It cannot be undone; a rotation lets the old key work for some time.',
        )}
      </ConfirmButton>
    </Group>
  );
}
