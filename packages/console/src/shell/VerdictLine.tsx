import { Text } from '@mantine/core';
import type { Verdict } from '@tidings/client/types';
import { T } from '../text/T.tsx';
import { formatValue } from './Fields.tsx';
import { formatLevel } from './level-words.ts';
import { getLook } from './outcome.ts';
import { toReasonWords } from './reason-words.ts';
import { ChannelName, StatusBadge } from './StatusBadge.tsx';
import { Time } from './Time.tsx';
import { VERDICTS } from './verdict-words.ts';

/**
 * The verdict of the plan on a channel: what was decided, why, at which level, since when and until when. Without the channel it
 * stands beneath the badge of a delivery, which says *Held* as well.
 */
export function VerdictLine({ verdict, hasChannel = true }: { verdict: Verdict; hasChannel?: boolean }) {
  const { channel, code, level, since, until } = verdict;
  return (
    <div className="plan-verdict" data-testid="plan-verdict" data-verdict={verdict.verdict}>
      {(hasChannel || verdict.verdict !== 'hold') && (
        <span className="plan-verdict-head">
          {hasChannel && <ChannelName channel={channel} />}
          <StatusBadge look={getLook(VERDICTS, verdict.verdict)} />
        </span>
      )}
      <Text size="sm" component="span" className="break">
        {until === undefined ? (
          toReasonWords(code)
        ) : (
          <T
            text="{reason}, until {time}"
            values={{ reason: toReasonWords(code), time: <Time value={until} as="full" /> }}
          />
        )}
        <Text size="xs" c="dimmed" component="span" display="block">
          <span className="name">{code}</span> · {formatLevel(level)}
          {isTold(verdict.value) && `: ${formatValue(verdict.value)}`}
          {since !== null && (
            <>
              {' · '}
              <T text="since {time}" values={{ time: <Time value={since} as="full" /> }} />
            </>
          )}
        </Text>
      </Text>
    </div>
  );
}

/** A value that says more than the code. */
function isTold(value: Verdict['value']): boolean {
  return value !== null && typeof value !== 'boolean' && value !== '';
}
