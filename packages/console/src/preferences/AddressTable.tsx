import { Text } from '@mantine/core';
import type { UserAddress } from '@tidings/client/types';
import { getAddresses } from '../api/users.ts';
import { FactTable } from '../channels/FactTable.tsx';
import { IconCheck, IconHelp } from '../shell/icons.tsx';
import type { Look } from '../shell/outcome.ts';
import { StatusBadge } from '../shell/StatusBadge.tsx';
import { Time } from '../shell/Time.tsx';

const VERIFIED: Look = { label: 'Verified', color: 'teal', Icon: IconCheck };
const UNVERIFIED: Look = { label: 'Not verified', color: 'gray', Icon: IconHelp };

/** The addresses of a user, masked, and whether the user proved to read them. */
export function AddressTable({ userId }: { userId: string }) {
  return (
    <FactTable
      title="Addresses"
      testId="addresses"
      of={userId}
      load={async () => ({ ...(await getAddresses(userId)), next: null })}
      getItems={({ addresses }) => addresses}
      getId={({ address_id }) => address_id}
      empty="The user has no email address and no phone number."
      columns={{
        Address: ({ address }) => <span className="break">{address}</span>,
        Kind: ({ kind }) => kind,
        Use: ({ primary }) => (primary ? 'messages go to it' : 'in reserve'),
        Verified: (address) => <Verification address={address} />,
        From: ({ is_trait, added_at }) => (
          <>
            {is_trait && 'the traits'}
            {is_trait && added_at !== null && ', and '}
            {added_at !== null && (
              <>
                a request, <Time value={added_at} />
              </>
            )}
          </>
        ),
      }}
    />
  );
}

function Verification({ address: { verified_at: at, verify_method: method } }: { address: UserAddress }) {
  if (at === null) return <StatusBadge look={UNVERIFIED} />;
  return (
    <>
      <StatusBadge look={VERIFIED} />
      <Text size="xs" c="dimmed">
        {method !== null && `by ${method}, `}
        <Time value={at} />
      </Text>
    </>
  );
}
