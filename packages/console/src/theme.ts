import { createTheme, type MantineColorsTuple } from '@mantine/core';

const ink: MantineColorsTuple = [
  '#eef0fd',
  '#dadef6',
  '#b3bbec',
  '#8a95e2',
  '#6775da',
  '#5161d6',
  '#4556d4',
  '#3647bc',
  '#2e3fa9',
  '#233595',
];

export const theme = createTheme({
  primaryColor: 'ink',
  colors: { ink },
  defaultRadius: 'md',
  cursorType: 'pointer',
  fontFamily: 'system-ui, -apple-system, "Segoe UI", Roboto, "Helvetica Neue", Arial, sans-serif',
  fontFamilyMonospace: 'ui-monospace, SFMono-Regular, Menlo, Consolas, "Liberation Mono", monospace',
  headings: { fontWeight: '650' },
});
