import { Text } from '@mantine/core';
import type { Suppression } from '@tidings/client/types';
import type { ReactNode } from 'react';
import { Disclosure } from '../shell/Disclosure.tsx';
import { Fields } from '../shell/Fields.tsx';
import { CHANNELS } from '../shell/outcome.ts';
import { Time } from '../shell/Time.tsx';
import { T } from '../text/T.tsx';
import { t } from '../text/text.ts';
import { LiftButton } from './LiftButton.tsx';
import { formatScope, SUPPRESSION_REASONS } from './suppression-words.ts';

/** Columns of a table of suppressions, each with its evidence, and what lifts it. */
export const SUPPRESSION_COLUMNS: { readonly [heading: string]: (one: Suppression) => ReactNode } = {
  [t('Address')]: ({ address }) => <span className="break">{address ?? t('only its hash is known')}</span>,
  [t('Channel')]: ({ channel }) => CHANNELS[channel]?.label ?? channel,
  [t('Scope')]: ({ scope }) => (
    <span className="break" title={scope}>
      {formatScope(scope)}
    </span>
  ),
  [t('Reason')]: ({ reason }) => <span title={reason}>{SUPPRESSION_REASONS[reason] ?? reason}</span>,
  [t('Since')]: ({ since, until }) => (
    <>
      <Time value={since} />
      <Text size="xs" c="dimmed">
        {until === null ? (
          t('until it is lifted')
        ) : (
          <T text="until {time}" values={{ time: <Time value={until} as="full" /> }} />
        )}
      </Text>
    </>
  ),
  [t('Evidence')]: ({ evidence }) => (
    <Disclosure label={t('Evidence')} testId="suppression-evidence">
      <Fields values={evidence} />
    </Disclosure>
  ),
  [t('Action')]: (one) => <LiftButton suppression={one} />,
};
