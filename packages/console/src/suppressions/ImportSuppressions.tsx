import { FileInput, Text } from '@mantine/core';
import { useQueryClient } from '@tanstack/react-query';
import { useState } from 'react';
import { importSuppressions } from '../api/suppressions.ts';
import { ConfirmButton } from '../shell/ConfirmButton.tsx';
import { IconArrowUp } from '../shell/icons.tsx';
import { T } from '../text/T.tsx';
import { t } from '../text/text.ts';

/** As the API has it. */
const MAX_REQUEST = 1000;
/** Larger files go by `tidings suppressions import`. */
const MAX_LINES = 50_000;

/** Button that adds the suppressions of a file. A file that is imported again adds nothing. */
export function ImportSuppressions() {
  const queries = useQueryClient();
  const [file, setFile] = useState<File | null>(null);
  const run = async () => {
    const list = readLines(await (file as File).text());
    let [added, known] = [0, 0];
    for (let start = 0; start < list.length; start += MAX_REQUEST) {
      const part = await importSuppressions(list.slice(start, start + MAX_REQUEST));
      added += part.added;
      known += part.known;
    }
    await queries.invalidateQueries({ queryKey: ['suppressions'] });
    setFile(null);
    return t('{added, number} added, {known, number} known already.', { added, known });
  };
  return (
    <ConfirmButton
      needs="suppressions:write"
      label={t('Import')}
      leftSection={<IconArrowUp size={14} />}
      isFilled={file !== null}
      act={run}
      testId="import-suppressions"
    >
      <Text size="sm" className="break">
        <T
          text="A line of JSON for each address, such as {example}. What was imported before an error stays; import the file again once it is right."
          values={{
            example: <code>{'{"channel":"email","address":"a@example.com","reason":"hard_bounce"}'}</code>,
          }}
        />
      </Text>
      <FileInput
        label={t('File')}
        placeholder={t('Choose a file')}
        value={file}
        onChange={setFile}
        fileInputProps={{ 'data-testid': 'import-file' } as object}
      />
    </ConfirmButton>
  );
}

/** Returns the values of the lines. Throws an error that names the line that is no JSON. */
function readLines(text: string): unknown[] {
  const lines = text.split('\n').map((line, index) => ({ line: line.trim(), number: index + 1 }));
  const filled = lines.filter(({ line }) => line !== '');
  if (filled.length === 0) throw new Error(t('The file has no lines.'));
  if (filled.length > MAX_LINES)
    throw new Error(
      t('The file has more than {max, number} lines; import it by {command}.', {
        max: MAX_LINES,
        command: 'tidings suppressions import',
      }),
    );
  return filled.map(({ line, number }) => {
    try {
      return JSON.parse(line);
    } catch {
      throw new Error(t('Line {line} is not JSON. Nothing was imported.', { line: number }));
    }
  });
}
