/**
 * Values that the browser keeps. A page in a frame of another site may not be allowed that: its values then last as long as the page.
 */
class KeptValues {
  readonly #getStorage: () => Storage;
  readonly #ofPage = new Map<string, string>();

  constructor(getStorage: () => Storage) {
    this.#getStorage = getStorage;
  }

  read(key: string): string | null {
    try {
      return this.#getStorage().getItem(key);
    } catch {
      return this.#ofPage.get(key) ?? null;
    }
  }

  /** @param value null: removes it */
  write(key: string, value: string | null): void {
    try {
      if (value === null) this.#getStorage().removeItem(key);
      else this.#getStorage().setItem(key, value);
    } catch {
      if (value === null) this.#ofPage.delete(key);
      else this.#ofPage.set(key, value);
    }
  }
}

/** Values of this tab, which end with it. */
export const ofTab = new KeptValues(() => sessionStorage);
/** Values of this browser, for all tabs. */
export const ofBrowser = new KeptValues(() => localStorage);
