import { Stack } from '@mantine/core';
import type { ProviderAccount, Webhook } from '@tidings/client/types';
import { getAccounts, getWebhooks } from '../api/channels.ts';
import { IconAlert, IconBan, IconCircle } from '../shell/icons.tsx';
import { CHANNELS, type Look } from '../shell/outcome.ts';
import { PageTitle } from '../shell/PageTitle.tsx';
import { StatusBadge } from '../shell/StatusBadge.tsx';
import { Time } from '../shell/Time.tsx';
import { AccountActions } from './AccountActions.tsx';
import { AccountCircuit, AccountFigures } from './AccountFigures.tsx';
import { FactTable } from './FactTable.tsx';

/** Ways out for messages: accounts with providers and endpoints of webhooks. */
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
              <AccountCircuit account={account} />
            </>
          ),
          'Last 24 hours': (account) => <AccountFigures account={account} />,
          Changed: ({ updated_at }) => <Time value={updated_at} />,
          Commands: (account) => <AccountActions account={account} />,
        }}
      />
      <FactTable
        title="Endpoints of webhooks"
        testId="endpoints"
        load={getWebhooks}
        getItems={({ webhooks }) => webhooks}
        getId={({ endpoint_id }) => endpoint_id}
        empty="No endpoint. Create one with `tidings webhooks create`."
        columns={{
          URL: ({ url, description }) => `${url}${description === '' ? '' : ` (${description})`}`,
          Types: ({ notification_types: types }) => types?.join(', ') ?? 'all',
          State: (endpoint) => <StatusBadge look={getEndpointLook(endpoint)} testId="endpoint-state" />,
          Since: ({ state, state_changed_at, failing_since }) => (
            <Time value={state === 'active' ? (failing_since ?? state_changed_at) : state_changed_at} />
          ),
        }}
      />
    </Stack>
  );
}

/** Returns the look of an account. None is green: that an account is used does not say that its provider takes messages. */
function getAccountLook({ enabled }: ProviderAccount): Look {
  return enabled
    ? { label: 'In use', color: 'gray', Icon: IconCircle }
    : { label: 'Paused', color: 'orange', Icon: IconBan };
}

/** Returns the look of an endpoint. None is green: an endpoint without failures may have got nothing yet. */
function getEndpointLook({ state, state_code: code, failures, failing_since: since }: Webhook): Look {
  if (state !== 'active') return { label: `Disabled: ${code ?? 'unknown'}`, color: 'red', Icon: IconBan };
  if (since === null) return { label: 'Active', color: 'gray', Icon: IconCircle };
  const label = `Failing: ${failures} ${failures === 1 ? 'failure' : 'failures'}`;
  return { label, color: 'orange', Icon: IconAlert };
}
