import { Stack, Text, Title } from '@mantine/core';
import type { SendingState } from '@tidings/client/types';
import { CircuitText } from '../channels/CircuitText.tsx';
import { FactRows } from '../channels/FactTable.tsx';
import { linkToChannels } from '../route.ts';
import { IconAlert, IconBan, IconCircle, IconPause } from '../shell/icons.tsx';
import { CHANNELS, type Look } from '../shell/outcome.ts';
import { StatusBadge } from '../shell/StatusBadge.tsx';
import { T } from '../text/T.tsx';
import { t } from '../text/text.ts';

type AccountState = SendingState['accounts'][number];

/** Accounts of the tenant, whether messages go by them, and the use of their limits. */
export function AccountsTable({ accounts }: { accounts: readonly AccountState[] }) {
  return (
    <Stack gap="xs" component="section" aria-label={t('Accounts')}>
      <Title order={2} size="h4">
        {t('Accounts')}
      </Title>
      {accounts.length === 0 ? (
        <Text size="sm" c="dimmed" data-testid="sending-accounts-empty">
          <T
            text="No account: messages go by the providers of the installation; <link>Channels</link> shows their states."
            values={{ link: (words) => <a href={linkToChannels()}>{words}</a> }}
          />
        </Text>
      ) : (
        <FactRows
          testId="sending-accounts"
          items={accounts}
          getId={({ account }) => account}
          columns={{
            [t('Account')]: ({ account, provider }) => (
              <>
                <span className="name">{account}</span> ({provider})
              </>
            ),
            [t('Channels')]: ({ channels }) =>
              channels.map((channel) => CHANNELS[channel]?.label ?? channel).join(', '),
            [t('State')]: (account) => (
              <>
                <StatusBadge look={getLook(account)} testId="sending-state" />
                {account.circuit && (
                  <Text size="sm" component="div">
                    <CircuitText circuit={account.circuit} />
                  </Text>
                )}
              </>
            ),
            [t('Limits')]: ({ limits }) =>
              limits.length === 0 ? t('none') : limits.map((limit) => <LimitLine key={limit.period} limit={limit} />),
          }}
        />
      )}
    </Stack>
  );
}

/** Use of one period of a limit: how much of its bucket is used up now. */
function LimitLine({ limit }: { limit: AccountState['limits'][number] }) {
  const used = limit.burst - limit.free;
  const isUsedUp = limit.free === 0;
  return (
    <Text size="sm" component="div" data-testid="limit-use" fw={isUsedUp ? 600 : undefined}>
      {t(
        '{allowed} {period, select, per_second {per second} per_minute {per minute} per_hour {per hour} per_day {per day} other {{period}}}: {used} of {burst} used',
        { allowed: limit.allowed, period: limit.period, used, burst: limit.burst },
      )}
      {isUsedUp && `, ${t('messages wait')}`}
    </Text>
  );
}

/** Returns the look of an account. None is green: a closed circuit does not say that messages arrive. */
function getLook({ enabled, circuit }: AccountState): Look {
  if (!enabled) return { label: t('Not in use'), color: 'orange', Icon: IconBan };
  if (circuit === null) return { label: t('In use'), color: 'gray', Icon: IconCircle };
  if (circuit.code === 'retry_after') return { label: t('Paused'), color: 'orange', Icon: IconPause };
  return { label: t('Fails'), color: 'red', Icon: IconAlert };
}
