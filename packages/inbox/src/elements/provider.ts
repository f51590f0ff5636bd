import type { InboxClient, InboxClientOptions, InboxEvents } from '../client/inbox-client.ts';
import { PreferencesClient } from '../client/preferences-client.ts';
import { InboxProblem } from '../client/problem.ts';
import type { GetToken, Token } from '../client/token.ts';
import type { OwnTexts } from '../strings/texts.ts';
import { Base, CONTEXT_REQUEST, type ContextRequest, type ProviderContext, upgradeProperties } from './element.ts';

/** The class of the client that a provider makes: a page without an inbox needs no stream. */
type ClientClass = new (options: InboxClientOptions) => PreferencesClient<InboxEvents>;

/**
 * `<tidings-provider>`: the user whose inbox the elements within show. Has no look of its own.
 *
 * Attributes: `api`, `token-url`, `tenant`, `locale`, `share`.
 */
export class TidingsProvider extends Base {
  static readonly observedAttributes = ['api', 'token-url', 'tenant', 'locale', 'share'];

  static #Client: ClientClass = PreferencesClient;
  static readonly #providers = new Set<TidingsProvider>();

  /** Makes the clients of all providers of the page with a class that can do more: a script with an inbox was loaded. */
  static use(Client: ClientClass): void {
    if (TidingsProvider.#Client !== PreferencesClient) return;
    TidingsProvider.#Client = Client;
    for (const provider of TidingsProvider.#providers) provider.#renew();
  }

  readonly #requests = new Set<ContextRequest>();
  #client: PreferencesClient<InboxEvents> | undefined;
  #ownClient: InboxClient | undefined;
  #getToken: GetToken | undefined;
  #strings: OwnTexts = {};
  #isQueued = false;
  /** Ends what it listens to of its client: one that you made lives on. */
  #unlisten: readonly (() => void)[] = [];

  constructor() {
    super();
    this.addEventListener(CONTEXT_REQUEST, (event) => {
      event.stopPropagation();
      const request = (event as CustomEvent<ContextRequest>).detail;
      this.#requests.add(request);
      request.release = () => this.#requests.delete(request);
      const context = this.#context;
      if (context) request.onContext(context);
    });
  }

  /** Returns a token of the user, in the place of `token-url`. */
  get getToken(): GetToken | undefined {
    return this.#getToken;
  }

  set getToken(getToken: GetToken | undefined) {
    this.#getToken = getToken;
    this.#renew();
  }

  /** Texts of your own, by key. */
  get strings(): OwnTexts {
    return this.#strings;
  }

  set strings(strings: OwnTexts) {
    this.#strings = strings;
    this.#announce();
  }

  /** The client of the elements within; you may set one that you made. Undefined until there is an `api` and a token to ask for. */
  get client(): InboxClient | undefined {
    return this.#ownClient ?? (this.#client as InboxClient | undefined);
  }

  set client(client: InboxClient | undefined) {
    this.#ownClient = client;
    this.#renew();
  }

  connectedCallback(): void {
    TidingsProvider.#providers.add(this);
    upgradeProperties(this);
    this.#renew();
  }

  disconnectedCallback(): void {
    // It may be moved to another place of the page.
    queueMicrotask(() => {
      if (this.isConnected) return;
      TidingsProvider.#providers.delete(this);
      this.#end();
    });
  }

  attributeChangedCallback(name: string, before: string | null, now: string | null): void {
    if (before === now) return;
    if (name === 'locale') this.#announce();
    else this.#renew();
  }

  get #context(): ProviderContext | undefined {
    const { client } = this;
    if (!client) return undefined;
    const locale = findLocale(this.getAttribute('locale') ?? this.closest('[lang]')?.getAttribute('lang'));
    return { client: client as unknown as PreferencesClient, locale, strings: this.#strings };
  }

  #end(): void {
    for (const end of this.#unlisten) end();
    this.#unlisten = [];
    this.#client?.stop();
    this.#client = undefined;
    this.#ownClient?.stop();
  }

  /** Makes the client anew, once for all that was set together. */
  #renew(): void {
    if (this.#isQueued) return;
    this.#isQueued = true;
    queueMicrotask(() => {
      this.#isQueued = false;
      if (!this.isConnected) return;
      this.#end();
      const tokenUrl = this.getAttribute('token-url');
      const getToken = this.#getToken ?? (tokenUrl === null ? undefined : () => fetchToken(tokenUrl));
      const tenant = this.getAttribute('tenant');
      if (!this.#ownClient && getToken) {
        this.#client = new TidingsProvider.#Client({
          api: this.getAttribute('api') ?? location.origin,
          getToken,
          ...(tenant !== null && { tenant }),
          share: this.getAttribute('share') !== 'off',
        });
      }
      const { client } = this;
      if (client)
        this.#unlisten = [
          client.on('problem', (problem) => this.#emit('tidings-error', { problem })),
          client.on('counts', (counts) => this.#emit('tidings-counts', counts)),
        ];
      this.#announce();
      void client?.start();
    });
  }

  #emit(name: string, detail: unknown): void {
    if (this.isConnected) this.dispatchEvent(new CustomEvent(name, { bubbles: true, composed: true, detail }));
  }

  #announce(): void {
    const context = this.#context;
    if (context) for (const { onContext } of this.#requests) onContext(context);
  }
}

/** Asks the backend of the page for a token: `{"token": "…"}`, or the token itself. */
async function fetchToken(url: string): Promise<Token> {
  const response = await fetch(url, {
    credentials: 'same-origin',
    headers: { accept: 'application/json' },
    cache: 'no-store',
  });
  if (!response.ok) throw new InboxProblem('no_token', `${url} answers with ${response.status}`, response.status);
  const text = await response.text();
  return text.startsWith('{') ? (JSON.parse(text) as Token) : text.trim();
}

function findLocale(wanted: string | null | undefined): string {
  try {
    return Intl.getCanonicalLocales(wanted || navigator.language)[0] ?? 'en';
  } catch {
    return 'en';
  }
}
