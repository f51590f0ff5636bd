import { Text } from '@mantine/core';
import { findReasonWords, formatReason } from './reason-words.ts';

interface ReasonProps {
  /** Null: there is only the sentence. */
  readonly code: string | null;
  /** As the server says it: English, with the values. */
  readonly sentence: string | null;
  /** `xs`: in a table, where the words stand out. */
  readonly size?: 'xs' | 'sm';
  /** Test ID of the sentence. */
  readonly testId?: string;
}

/** Why something was decided, or has its status: in the language of the page, and beneath in detail. Renders nothing without a reason. */
export function Reason({ code, sentence, size = 'sm', testId }: ReasonProps) {
  const ofSentence = {
    ...(size === 'xs' && { c: 'dimmed' }),
    ...(testId !== undefined && { 'data-testid': testId }),
  };
  return (
    <>
      {code !== null && (
        <Text size={size} fw={550} mt={4} data-testid="reason-words" data-code={code}>
          {formatReason(code)}
        </Text>
      )}
      {sentence !== null && sentence !== '' && (
        <Text size={size} mt={code === null ? 4 : 0} className="break" lang="en" {...ofSentence}>
          {sentence}
        </Text>
      )}
    </>
  );
}

/** A reason in words with its code, on one line. A code that has no words stands alone. */
export function ReasonCode({ code }: { code: string }) {
  const words = findReasonWords(code);
  return (
    <>
      {words !== undefined && `${words} `}
      <span className="name">{code}</span>
    </>
  );
}
