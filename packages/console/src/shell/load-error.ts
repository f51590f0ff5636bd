/** A script of the console could not be loaded. */
export class LoadError extends Error {
  /** Lets it be loaded again when its part is shown next. */
  readonly forget: () => void;

  constructor(cause: unknown, forget: () => void) {
    super('script_not_loaded', { cause });
    this.forget = forget;
  }
}

/**
 * Returns whether the server is there and has this version of the console (`same`) or another one (`other`), whose scripts have other
 * names. Null: it cannot be reached.
 */
export async function askVersion(): Promise<'same' | 'other' | null> {
  try {
    const answer = await fetch('/', { cache: 'no-store' });
    if (!answer.ok) return null;
    const own = document.querySelector('script[type=module]')?.getAttribute('src');
    return (await answer.text()).includes(own ?? '') ? 'same' : 'other';
  } catch {
    return null;
  }
}
