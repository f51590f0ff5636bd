import { Stack, Text } from '@mantine/core';
import type { ProviderAccount } from '@tidings/client/types';
import { getAccounts } from '../api/channels.ts';
import { IconBan, IconCircle, IconSplit } from '../shell/icons.tsx';
import { CHANNELS, type Look } from '../shell/outcome.ts';
import { PageTitle } from '../shell/PageTitle.tsx';
import { StatusBadge } from '../shell/StatusBadge.tsx';
import { Time } from '../shell/Time.tsx';
import { AccountActions } from './AccountActions.tsx';
import { AccountCircuit, AccountFigures, CircuitHistory } from './AccountFigures.tsx';
import { FactTable } from './FactTable.tsx';

/** Ways out for messages: accounts with providers. */
export function ChannelsPage() {
  return (
    <Stack gap="xl">
      <PageTitle>Channels</PageTitle>
      <FactTable
        title="Accounts with providers"
        testId="accounts"
        load={async () => ({ ...(await getAccounts()), next: null })}
        getItems={({ accounts }) => accounts}
        getId={({ account }) => account}
        empty="No account: messages go by those of the installation. Create one with `tidings accounts create`."
        columns={{
          Account: ({ account }) => <span className="name">{account}</span>,
          Provider: ({ provider }) => provider,
          Channels: ({ channels }) => channels.map((channel) => CHANNELS[channel]?.label ?? channel).join(', '),
          Place: ({ place }) => place,
          State: (account) => (
            <>
              <StatusBadge look={getAccountLook(account)} testId="account-state" />
              {account.failover_to !== null && (
                <Text size="sm" mt={2} data-testid="account-failover-state">
                  Its messages go by <span className="name">{account.failover_to}</span>, until you end the failover.
                </Text>
              )}
              <AccountCircuit account={account} />
              <CircuitHistory account={account} />
            </>
          ),
          'Last 24 hours': (account) => <AccountFigures account={account} />,
          Changed: ({ updated_at }) => <Time value={updated_at} />,
          Commands: (account) => <AccountActions account={account} />,
        }}
      />
    </Stack>
  );
}

/** Returns the look of an account. None is green: that an account is used does not say that its provider takes messages. */
function getAccountLook({ enabled, failover_to: failoverTo }: ProviderAccount): Look {
  if (enabled && failoverTo !== null) return { label: 'Fails over', color: 'orange', Icon: IconSplit };
  return enabled
    ? { label: 'In use', color: 'gray', Icon: IconCircle }
    : { label: 'Paused', color: 'orange', Icon: IconBan };
}
