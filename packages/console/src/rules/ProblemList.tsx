import { Text } from '@mantine/core';
import type { DraftCheck } from '@tidings/client/types';
import { t } from '../text/text.ts';

type Finding = DraftCheck['problems'][number];

/** Problems of a draft, each with its place. `onOpen`: shows the place; absent: places are text. */
export function ProblemList({
  problems,
  onOpen,
}: {
  problems: readonly Finding[];
  onOpen?: (file: string, line: number) => void;
}) {
  if (problems.length === 0) return null;
  return (
    <ul className="problems" data-testid="problems">
      {problems.map((one) => (
        <li key={`${one.file}:${one.line}:${one.column} ${one.message}`} data-severity={one.severity}>
          <Text size="sm" component="span" fw={600}>
            {one.severity === 'error' ? t('Error') : t('Warning')}
          </Text>{' '}
          <Place problem={one} onOpen={onOpen} />
          <Text size="sm" className="break">
            {one.message}
            {one.hint !== undefined && `: ${one.hint}`}
          </Text>
        </li>
      ))}
    </ul>
  );
}

function Place({ problem, onOpen }: { problem: Finding; onOpen: ((file: string, line: number) => void) | undefined }) {
  const { file, line, column } = problem;
  const text = `${file}:${line}:${column}`;
  if (!onOpen) return <span className="name">{text}</span>;
  return (
    <button type="button" className="link-button name" onClick={() => onOpen(file, line)}>
      {text}
    </button>
  );
}
