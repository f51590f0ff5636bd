import { Textarea, type TextareaProps } from '@mantine/core';
import { t } from '../text/text.ts';
import { readObject } from './parse-object.ts';

interface JsonFieldProps extends Pick<TextareaProps, 'label' | 'description' | 'placeholder' | 'maw'> {
  readonly value: string;
  readonly onChange: (value: string) => void;
  readonly withAsterisk?: boolean;
  /** Message below the field; absent: that it must be a JSON object, if it is not and is not empty. */
  readonly error?: string | undefined;
  readonly 'data-testid'?: string;
}

/** Field for a JSON object, or nothing. */
export function JsonField({ value, onChange, error, ...props }: JsonFieldProps) {
  const isWrong = readObject(value) === null;
  return (
    <Textarea
      {...props}
      error={error ?? (isWrong && t('This is not a JSON object.'))}
      value={value}
      onChange={(event) => onChange(event.currentTarget.value)}
      autosize
      minRows={2}
      spellCheck={false}
      classNames={{ input: 'code-field' }}
    />
  );
}
