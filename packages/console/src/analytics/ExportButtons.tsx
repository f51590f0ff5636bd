import { Group } from '@mantine/core';
import { useMutation } from '@tanstack/react-query';
import { exportMetrics, type MetricParameters } from '../api/metrics.ts';
import { ActionButton } from '../shell/ActionButton.tsx';
import { announce } from '../shell/announce.tsx';
import { saveFile } from '../shell/save-file.ts';
import { t } from '../text/text.ts';

const FORMATS = { csv: ['CSV', 'text/csv'], ndjson: ['NDJSON', 'application/x-ndjson'] } as const;

interface ExportButtonsProps {
  readonly view: Parameters<typeof exportMetrics>[1];
  /** Name of the file, without its ending. */
  readonly name: string;
  /** Returns the parameters of what is shown. */
  readonly toParameters: () => MetricParameters;
}

/** Buttons that save what is shown as a file. */
export function ExportButtons({ view, name, toParameters }: ExportButtonsProps) {
  const save = useMutation({
    mutationFn: async (format: keyof typeof FORMATS) => {
      saveFile(`${name}.${format}`, await exportMetrics(toParameters(), view, format), FORMATS[format][1]);
    },
    onError: (error) => announce(t('It could not be exported: {problem}.', { problem: error.message })),
  });
  return (
    <Group gap={6}>
      {(Object.keys(FORMATS) as (keyof typeof FORMATS)[]).map((format) => (
        <ActionButton
          needs="deliveries:read"
          key={format}
          action={`export-${view}-${format}`}
          busy={save.isPending}
          onClick={() => save.mutate(format)}
          data-testid={`export-${view}-${format}`}
        >
          {t('Export as {format}', { format: FORMATS[format][0] })}
        </ActionButton>
      ))}
    </Group>
  );
}
