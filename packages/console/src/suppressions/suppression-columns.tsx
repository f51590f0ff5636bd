import { Text } from '@mantine/core';
import type { Suppression } from '@tidings/client/types';
import type { ReactNode } from 'react';
import { Disclosure } from '../shell/Disclosure.tsx';
import { Fields } from '../shell/Fields.tsx';
import { CHANNELS } from '../shell/outcome.ts';
import { Time } from '../shell/Time.tsx';
import { LiftButton } from './LiftButton.tsx';

/** Columns of a table of suppressions, each with its evidence, and what lifts it. */
export const SUPPRESSION_COLUMNS: { readonly [heading: string]: (one: Suppression) => ReactNode } = {
  Address: ({ address }) => <span className="break">{address ?? 'only its hash is known'}</span>,
  Channel: ({ channel }) => CHANNELS[channel]?.label ?? channel,
  Scope: ({ scope }) => <span className="break">{scope}</span>,
  Reason: ({ reason }) => <span className="name">{reason}</span>,
  Since: ({ since, until }) => (
    <>
      <Time value={since} />
      <Text size="xs" c="dimmed">
        {until === null ? (
          'until it is lifted'
        ) : (
          <>
            {'until '}
            <Time value={until} as="full" />
          </>
        )}
      </Text>
    </>
  ),
  Evidence: ({ evidence }) => (
    <Disclosure label="Evidence" testId="suppression-evidence">
      <Fields values={evidence} />
    </Disclosure>
  ),
  Action: (one) => <LiftButton suppression={one} />,
};
