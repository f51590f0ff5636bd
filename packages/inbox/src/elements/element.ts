import type { InboxClient } from '../client/inbox-client.ts';
import type { PreferencesClient } from '../client/preferences-client.ts';
import { type OwnTexts, Texts, type TextTables } from '../strings/texts.ts';

/** The parts that the elements within a provider share. They may be of several scripts, so the texts are not among it. */
export interface ProviderContext {
  readonly client: PreferencesClient;
  /** Locale of texts, dates and numbers. */
  readonly locale: string;
  /** Texts of the page. */
  readonly strings: OwnTexts;
}

/** The client, texts and locale of one element. */
export interface Context<Key extends string, Client = InboxClient> extends Omit<ProviderContext, 'client'> {
  readonly client: Client;
  readonly texts: Texts<Key>;
}

/** An element asks its provider for the context, and gets each new one. */
export interface ContextRequest {
  readonly onContext: (context: ProviderContext) => void;
  /** Set by the provider: ends it. */
  release?: () => void;
}

export const CONTEXT_REQUEST = 'tidings-context-request';

/** HTMLElement; on a server that renders pages a class without behavior, so that the modules can be loaded there. */
export const Base: typeof HTMLElement = globalThis.HTMLElement ?? (class {} as typeof HTMLElement);

/** The base of the elements: a shadow root with shared style sheets, and the context of the provider. */
export abstract class TidingsElement<Key extends string, Client = InboxClient> extends Base {
  readonly root: ShadowRoot;
  readonly #tables: TextTables;
  #context: Context<Key, Client> | undefined;
  #request: ContextRequest | undefined;
  #subscriptions: (() => void)[] = [];

  constructor(sheets: readonly CSSStyleSheet[], tables: TextTables) {
    super();
    this.#tables = tables;
    this.root = this.attachShadow({ mode: 'open' });
    this.root.adoptedStyleSheets = [...sheets];
  }

  /** The client of the provider; undefined: the element is within no provider, or not in the page. */
  get client(): Client | undefined {
    return this.#context?.client;
  }

  protected get context(): Context<Key, Client> | undefined {
    return this.#context;
  }

  connectedCallback(): void {
    upgradeProperties(this);
    this.#request = { onContext: (context) => this.#take(context) };
    this.dispatchEvent(new CustomEvent(CONTEXT_REQUEST, { bubbles: true, composed: true, detail: this.#request }));
  }

  disconnectedCallback(): void {
    this.#request?.release?.();
    this.#request = undefined;
    this.#release();
    this.#context = undefined;
  }

  attributeChangedCallback(_name: string, before: string | null, now: string | null): void {
    if (before !== now && this.#context) this.#take(this.#context);
  }

  /** Called with each new context: draws the element. What is given to `keep` ends before the next one. */
  protected abstract connect(context: Context<Key, Client>): void;

  /** Keeps how to end something that belongs to the context. */
  protected keep(...ends: (() => void)[]): void {
    this.#subscriptions.push(...ends);
  }

  /** Dispatches an event that can be cancelled. Returns whether it was not. */
  protected emit(name: string, detail: unknown = undefined): boolean {
    return this.dispatchEvent(new CustomEvent(name, { bubbles: true, composed: true, cancelable: true, detail }));
  }

  #take(given: Omit<ProviderContext, 'client'> & { readonly client: unknown }): void {
    this.#release();
    // A script with an inbox has set which client the provider makes.
    const client = given.client as Client;
    const context = { ...given, client, texts: new Texts<Key>(this.#tables, given.locale, given.strings) };
    this.#context = context;
    this.connect(context);
  }

  #release(): void {
    for (const end of this.#subscriptions) end();
    this.#subscriptions = [];
  }
}

/** Sets properties that a page has set before the element was defined, so that their setters are called. */
export function upgradeProperties(element: HTMLElement): void {
  for (const name of Object.keys(element)) {
    if (!(name in Object.getPrototypeOf(element))) continue;
    const values = element as unknown as { [name: string]: unknown };
    const value = values[name];
    delete values[name];
    values[name] = value;
  }
}

/** Defines an element, unless another script of Tidings in the page has. */
export function define(name: string, element: CustomElementConstructor): void {
  if (globalThis.customElements && !customElements.get(name)) customElements.define(name, element);
}
