import { Text } from '@mantine/core';

/** The name of a part of the catalog, with its description below if it has one. */
export function NamedCell({ name, description }: { readonly name: string; readonly description?: string | null }) {
  return (
    <>
      <span className="name">{name}</span>
      {description && (
        <Text size="xs" c="dimmed">
          {description}
        </Text>
      )}
    </>
  );
}
