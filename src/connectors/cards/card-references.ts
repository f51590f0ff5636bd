import { LRUCache } from 'lru-cache';
import type { Millis } from '../../model/event.ts';

/** References that are remembered, at most; beyond it the one used longest ago is forgotten. */
const MAX_REFERENCES = 5000;

/** Card references of products, for as long as the catalog says. A reference is no number: the network cannot be paid with it. */
export class CardReferences {
  readonly #known = new LRUCache<string, string>({ max: MAX_REFERENCES });

  /**
   * Returns the reference of a product.
   * @param lifetime for how long it is remembered in ms; undefined: it is not
   */
  async find(key: string, lifetime: Millis | undefined, load: () => Promise<string>): Promise<string> {
    if (lifetime === undefined) return load();
    const known = this.#known.get(key);
    if (known !== undefined) return known;
    const loaded = await load();
    this.#known.set(key, loaded, { ttl: lifetime });
    return loaded;
  }
}
