import { Text } from '@mantine/core';
import { useQuery } from '@tanstack/react-query';
import { getTenantSettings } from '../api/templates.ts';
import { T } from '../text/T.tsx';

/** Whether templates are made by requests. Undefined: it is not known yet, or may not be. */
export function useTemplateSource(): 'api' | 'files' | undefined {
  const { data } = useQuery({ queryKey: ['tenant'], queryFn: getTenantSettings, retry: false });
  return data === undefined ? undefined : (data.settings.template_source ?? 'files');
}

/** Says that the templates are files, where they are: they are not changed here. */
export function TemplateSourceNote() {
  if (useTemplateSource() !== 'files') return null;
  return (
    <Text size="sm" c="dimmed" maw={720} data-testid="managed-by-files">
      <T
        text="Templates of this tenant are the files of its catalog: change those ({code}). With the setting {setting} they are made by requests."
        values={{
          code: <span className="name">managed_by_files</span>,
          setting: <code>template_source: api</code>,
        }}
      />
    </Text>
  );
}
