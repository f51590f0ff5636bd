import { Text } from '@mantine/core';
import type { PreferenceCell } from '@tidings/client/types';
import { IconBan, IconCheck, IconLock, IconMailOff } from '../shell/icons.tsx';
import { formatLevel } from '../shell/level-words.ts';
import type { Look } from '../shell/outcome.ts';
import { toReasonWords } from '../shell/reason-words.ts';
import { StatusBadge } from '../shell/StatusBadge.tsx';
import { Time } from '../shell/Time.tsx';
import { T } from '../text/T.tsx';
import { t } from '../text/text.ts';

const ON: Look = { label: t('On'), color: 'teal', Icon: IconCheck };
/** The preferences let it go, and an address of the user gets none of it. */
const SUPPRESSED: Look = { label: t('On, address suppressed'), color: 'orange', Icon: IconMailOff };
const OFF: Look = { label: t('Off'), color: 'gray', Icon: IconBan };

/** Whether a type goes to the user on a channel, in words why, and a lock if the user cannot change it. */
export function PreferenceCellView({ cell, isSuppressed }: { cell: PreferenceCell; isSuppressed: boolean }) {
  const { on, changeable, decided_by: by } = cell;
  const look = on && isSuppressed ? SUPPRESSED : on ? ON : OFF;
  return (
    <div className="preference-cell">
      <span className="preference-head">
        <StatusBadge look={look} testId="preference-state" />
        {!changeable && <IconLock size={15} className="quiet" label={t('The user cannot change it')} />}
      </span>
      <Text size="xs" className="break">
        {toReasonWords(by.code)}
      </Text>
      <Text size="xs" c="dimmed" className="break">
        {by.since === null ? (
          formatLevel(by.level)
        ) : (
          <T text="{level}, since {time}" values={{ level: formatLevel(by.level), time: <Time value={by.since} /> }} />
        )}
      </Text>
    </div>
  );
}
