import { Anchor, Group } from '@mantine/core';

interface PartsNavProps<Part extends string> {
  /** Name of the group of pages, for screen readers. */
  readonly label: string;
  readonly links: readonly { readonly part: Part; readonly label: string; readonly href: string }[];
  /** The current one, which is marked. */
  readonly part: Part;
}

/** Links between pages that belong together. */
export function PartsNav<Part extends string>({ label, links, part }: PartsNavProps<Part>) {
  return (
    <Group component="nav" gap="md" aria-label={label}>
      {links.map((link) => (
        <Anchor
          key={link.part}
          size="sm"
          href={link.href}
          aria-current={link.part === part ? 'page' : undefined}
          fw={link.part === part ? 600 : undefined}
        >
          {link.label}
        </Anchor>
      ))}
    </Group>
  );
}
