import { Stack, Text } from '@mantine/core';
import { getDevices } from '../api/users.ts';
import { FactTable } from '../channels/FactTable.tsx';
import { AddressTable } from '../preferences/AddressTable.tsx';
import { SuppressionTable } from '../preferences/SuppressionTable.tsx';
import { IconBan, IconCheck } from '../shell/icons.tsx';
import type { Look } from '../shell/outcome.ts';
import { StatusBadge } from '../shell/StatusBadge.tsx';
import { Time } from '../shell/Time.tsx';
import { t } from '../text/text.ts';

const REGISTERED: Look = { label: t('Registered'), color: 'teal', Icon: IconCheck };
const RETIRED: Look = { label: t('Retired'), color: 'gray', Icon: IconBan };

/** Addresses and devices to which messages to a user can go, and the addresses that are suppressed. */
export function DevicesTab({ userId }: { userId: string }) {
  return (
    <Stack gap="xl">
      <AddressTable userId={userId} />
      <FactTable
        title={t('Devices')}
        testId="devices"
        of={userId}
        load={async () => ({ ...(await getDevices(userId)), next: null })}
        getItems={({ devices }) => devices}
        getId={({ device_id }) => device_id}
        empty={t('The user has no device for push messages.')}
        columns={{
          [t('Device')]: ({ platform, app, token }) => (
            <>
              {platform}, {app}
              <Text size="xs" c="dimmed">
                {token}
              </Text>
            </>
          ),
          [t('Service')]: ({ service, environment }) =>
            environment === null ? service : `${service} (${environment})`,
          [t('State')]: ({ retired_at: at, retired_code: code }) => (
            <>
              <StatusBadge look={at === null ? REGISTERED : RETIRED} />
              {at !== null && (
                <Text size="xs" c="dimmed">
                  {code !== null && `${code}, `}
                  <Time value={at} />
                </Text>
              )}
            </>
          ),
          [t('Last seen')]: ({ seen_at: at }) => <Time value={at} />,
        }}
      />
      <SuppressionTable userId={userId} />
    </Stack>
  );
}
