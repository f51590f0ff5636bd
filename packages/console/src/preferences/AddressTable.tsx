import { Text } from '@mantine/core';
import type { UserAddress } from '@tidings/client/types';
import { getAddresses } from '../api/users.ts';
import { FactTable } from '../channels/FactTable.tsx';
import { IconCheck, IconHelp } from '../shell/icons.tsx';
import type { Look } from '../shell/outcome.ts';
import { StatusBadge } from '../shell/StatusBadge.tsx';
import { Time } from '../shell/Time.tsx';
import { T } from '../text/T.tsx';
import { t } from '../text/text.ts';

const VERIFIED: Look = { label: t('Verified'), color: 'teal', Icon: IconCheck };
const UNVERIFIED: Look = { label: t('Not verified'), color: 'gray', Icon: IconHelp };

/** The addresses of a user, masked, and whether the user proved to read them. */
export function AddressTable({ userId }: { userId: string }) {
  return (
    <FactTable
      title={t('Addresses')}
      testId="addresses"
      of={userId}
      load={async () => ({ ...(await getAddresses(userId)), next: null })}
      getItems={({ addresses }) => addresses}
      getId={({ address_id }) => address_id}
      empty={t('The user has no email address and no phone number.')}
      columns={{
        [t('Address')]: ({ address }) => <span className="break">{address}</span>,
        [t('Kind')]: ({ kind }) => kind,
        [t('Use')]: ({ primary }) => (primary ? t('messages go to it') : t('in reserve')),
        [t('Verified')]: (address) => <Verification address={address} />,
        [t('From')]: (address) => <Origin address={address} />,
      }}
    />
  );
}

function Origin({ address: { is_trait: isTrait, added_at: at } }: { address: UserAddress }) {
  if (at === null) return isTrait && t('the traits');
  return (
    <T
      text={isTrait ? 'the traits, and a request, {time}' : 'a request, {time}'}
      values={{ time: <Time value={at} /> }}
    />
  );
}

function Verification({ address: { verified_at: at, verify_method: method } }: { address: UserAddress }) {
  if (at === null) return <StatusBadge look={UNVERIFIED} />;
  return (
    <>
      <StatusBadge look={VERIFIED} />
      <Text size="xs" c="dimmed">
        {method === null ? (
          <Time value={at} />
        ) : (
          <T text="by {method}, {time}" values={{ method, time: <Time value={at} /> }} />
        )}
      </Text>
    </>
  );
}
