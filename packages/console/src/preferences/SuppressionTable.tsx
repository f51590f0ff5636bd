import { getSuppressionsOf } from '../api/suppressions.ts';
import { FactTable } from '../channels/FactTable.tsx';
import { Disclosure } from '../shell/Disclosure.tsx';
import { Fields } from '../shell/Fields.tsx';
import { Time } from '../shell/Time.tsx';

/** Suppressions of the addresses that a user has. */
export function SuppressionTable({ userId }: { userId: string }) {
  return (
    <FactTable
      title="Suppressed addresses"
      testId="user-suppressions"
      of={userId}
      load={(after) => getSuppressionsOf(userId, after)}
      getItems={({ suppressions }) => suppressions}
      getId={({ suppression_id }) => suppression_id}
      empty="No address of the user is suppressed."
      columns={{
        Address: ({ address }) => address ?? 'only its hash is known',
        Channel: ({ channel }) => channel,
        Scope: ({ scope }) => <span className="break">{scope}</span>,
        Reason: ({ reason }) => <span className="name">{reason}</span>,
        Since: ({ since, until }) => (
          <>
            <Time value={since} />
            {until !== null && (
              <>
                {' until '}
                <Time value={until} />
              </>
            )}
          </>
        ),
        Evidence: ({ evidence }) => (
          <Disclosure label="Evidence">
            <Fields values={evidence} />
          </Disclosure>
        ),
      }}
    />
  );
}
