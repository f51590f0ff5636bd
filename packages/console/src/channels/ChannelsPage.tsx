import { Stack, Text } from '@mantine/core';
import type { ProviderAccount } from '@tidings/client/types';
import { getAccounts } from '../api/channels.ts';
import { IconBan, IconCircle, IconSplit } from '../shell/icons.tsx';
import { CHANNELS, type Look } from '../shell/outcome.ts';
import { PageTitle } from '../shell/PageTitle.tsx';
import { StatusBadge } from '../shell/StatusBadge.tsx';
import { Time } from '../shell/Time.tsx';
import { t } from '../text/text.ts';
import { AccountActions } from './AccountActions.tsx';
import { AccountCircuit, AccountFigures, AccountHistory } from './AccountFigures.tsx';
import { FactTable } from './FactTable.tsx';
import { InstallationProviders } from './InstallationProviders.tsx';

const TOPICS: readonly string[] = ['settings', 'problems', 'deliveries'];

/** Ways out for messages: accounts with providers. */
export function ChannelsPage() {
  return (
    <Stack gap="xl">
      <PageTitle>{t('Channels')}</PageTitle>
      <FactTable
        topics={TOPICS}
        title={t('Accounts with providers')}
        testId="accounts"
        load={async () => ({ ...(await getAccounts()), next: null })}
        getItems={({ accounts }) => accounts}
        getId={({ account }) => account}
        empty={t('No account: messages go by the providers of the installation.')}
        columns={{
          [t('Account')]: ({ account }) => <span className="name">{account}</span>,
          [t('Provider')]: ({ provider }) => provider,
          [t('Channels')]: ({ channels }) => channels.map((channel) => CHANNELS[channel]?.label ?? channel).join(', '),
          [t('Place')]: ({ place }) => place,
          [t('State')]: (account) => (
            <>
              <StatusBadge look={getAccountLook(account)} testId="account-state" />
              {account.failover_to !== null && (
                <Text size="sm" mt={2} data-testid="account-failover-state">
                  {t('Its messages go by {account}, until you end the failover.', { account: account.failover_to })}
                </Text>
              )}
              <AccountCircuit account={account} />
              <AccountHistory account={account} />
            </>
          ),
          [t('Last 24 hours')]: (account) => <AccountFigures account={account} />,
          [t('Changed')]: ({ updated_at }) => <Time value={updated_at} />,
          [t('Commands')]: (account) => <AccountActions account={account} />,
        }}
      />
      <InstallationProviders />
    </Stack>
  );
}

/** Returns the look of an account. None is green: that an account is used does not say that its provider takes messages. */
function getAccountLook({ enabled, failover_to: failoverTo }: ProviderAccount): Look {
  if (enabled && failoverTo !== null) return { label: t('Fails over'), color: 'orange', Icon: IconSplit };
  return enabled
    ? { label: t('In use'), color: 'gray', Icon: IconCircle }
    : { label: t('Paused'), color: 'orange', Icon: IconBan };
}
