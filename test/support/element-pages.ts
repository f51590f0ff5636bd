import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { Browser, BrowserContext, BrowserContextOptions, Page } from 'playwright-core';
import { afterAll, afterEach, beforeAll } from 'vitest';
import { ensureElements } from '../../scripts/install.mjs';
import { findChromium, launchBrowser } from './browser.ts';
import { type InboxTidings, inboxTidings, TENANT } from './inbox.ts';

/** The elements on pages of another site, under a policy without inline styles and with Trusted Types, as their users use them. */

export const chromium = findChromium();
if (!chromium) console.log('skipped: the elements of the inbox, because no Chromium was found (CHROMIUM can name one)');

const FILES = {
  'events.yaml': 'events: { noted: { properties: { text: string } } }',
  'notifications.yaml': `notifications:
  NOTED: { category: SYSTEM, channels: [in_app], description: A note of the service. }
  NEWS: { category: MARKETING, channels: [in_app, push, sms], description: What is new. }
  ORDER: { category: TRANSACTIONAL, channels: [in_app, sms] }
  LOGIN: { category: SECURITY, channels: [in_app, push] }`,
  'rules.yaml': 'rules: { NOTED: { on: noted } }',
  ...Object.fromEntries(
    ['NEWS/in_app', 'NEWS/push', 'NEWS/sms', 'ORDER/in_app', 'ORDER/sms', 'LOGIN/in_app', 'LOGIN/push'].map((name) => [
      `templates/${name}.en.txt`,
      'Hello',
    ]),
  ),
};

/** A message in an inbox, past the rules. */
export interface StoredMessage {
  readonly title?: string;
  readonly text: string;
  readonly [part: string]: unknown;
}

export interface ElementPages {
  readonly inbox: InboxTidings;
  /** URL of the site whose pages show the elements. */
  readonly site: string;
  /** Tokens that the site has given out. */
  tokens(): number;
  /** Sets the life of the tokens of the site. */
  setLifetime(lifetime: string): void;
  /** Opens a page of the site with this content, for a user; each context is another device. */
  open(
    user: string,
    body: string,
    settings?: BrowserContextOptions & { readonly dir?: string; readonly context?: BrowserContext },
  ): Promise<Page>;
  /** Puts messages into the inbox of a user. */
  store(user: string, ...messages: StoredMessage[]): Promise<void>;
  /** Requests to the stream of the inbox by a context. */
  streams(context: BrowserContext): number;
  /** Failures on the pages since the last call: errors, and what their policy blocked. */
  complaints(): string[];
}

/** Starts Tidings, a site and one browser for the tests of a file. */
export function useElementPages(): ElementPages {
  let browser: Browser;
  let inbox: InboxTidings;
  let lifetime = '15m';
  let tokens = 0;
  let complaints: string[] = [];
  const contexts = new Set<BrowserContext>();
  const streams = new Map<BrowserContext, number>();
  const site = createServer(async (request, response) => {
    const url = new URL(request.url ?? '/', 'http://site');
    const user = url.searchParams.get('user') ?? '';
    if (url.pathname === '/token') {
      tokens++;
      const made = await inbox.server.post(`/api/v1/users/${encodeURIComponent(user)}/tokens`, { lifetime });
      response.writeHead(made.status, { 'content-type': 'application/json' });
      return response.end(JSON.stringify(made.body));
    }
    const api = inbox.server.url;
    response.writeHead(200, {
      'content-type': 'text/html; charset=utf-8',
      'content-security-policy': [
        "default-src 'none'",
        `script-src ${api}`,
        "style-src 'self'",
        `connect-src 'self' ${api}`,
        "img-src 'self' https:",
        "require-trusted-types-for 'script'",
        "trusted-types 'none'",
      ].join(';'),
    });
    response.end(`<!doctype html><html lang="en" dir="${url.searchParams.get('dir') ?? 'ltr'}"><head><title>Shop</title>
<meta name="viewport" content="width=device-width, initial-scale=1">
<script type="module" crossorigin src="${api}/elements/v1/tidings.js"></script></head><body>
<tidings-provider api="${api}" token-url="/token?user=${encodeURIComponent(user)}"><main><h1>Shop</h1>${bodies.get(url.searchParams.get('body') ?? '') ?? ''}</main></tidings-provider></body></html>`);
  });
  const bodies = new Map<string, string>();

  beforeAll(async () => {
    await ensureElements();
    if (!chromium) return;
    await new Promise<void>((resolve) => site.listen(0, '127.0.0.1', resolve));
    [browser, inbox] = await Promise.all([
      launchBrowser(chromium),
      inboxTidings({ files: FILES, heartbeat: 400, allowedOrigins: [siteUrl()] }),
    ]);
    // The clock of browsers cannot be set back.
    inbox.tidings.clock.now = Date.now();
  });
  afterEach(async () => {
    await Promise.all([...contexts].map((context) => context.close()));
    contexts.clear();
  });
  afterAll(async () => {
    await browser?.close();
    site.closeAllConnections();
    site.close();
    await inbox?.close();
  });

  const siteUrl = () => `http://127.0.0.1:${(site.address() as AddressInfo).port}`;
  let stored = 0;
  return {
    get inbox() {
      return inbox;
    },
    get site() {
      return siteUrl();
    },
    tokens: () => tokens,
    setLifetime: (text) => {
      lifetime = text;
    },
    async open(user, body, { dir = 'ltr', context: known, ...settings } = {}) {
      const context =
        known ??
        (await browser.newContext({ locale: 'en-GB', timezoneId: 'UTC', reducedMotion: 'reduce', ...settings }));
      if (!known) {
        contexts.add(context);
        streams.set(context, 0);
        context.setDefaultTimeout(30_000);
        context.on('request', (request) => {
          if (request.url().includes('/inbox/stream')) streams.set(context, (streams.get(context) ?? 0) + 1);
        });
      }
      const page = await context.newPage();
      page.on('console', (message) => {
        if (message.type() === 'error') complaints.push(message.text());
      });
      page.on('pageerror', (error) => complaints.push(String(error)));
      page.on('dialog', (dialog) => {
        complaints.push(`a dialog: ${dialog.message()}`);
        void dialog.dismiss();
      });
      const key = String(bodies.size);
      bodies.set(key, body);
      await page.goto(`${siteUrl()}/?user=${encodeURIComponent(user)}&dir=${dir}&body=${key}`);
      return page;
    },
    async store(user, ...messages) {
      for (const { type = 'NOTED', ...message } of messages) {
        inbox.tidings.clock.now = Math.max(inbox.tidings.clock.now + 1, Date.now());
        const id = `01999f3e-5c1a-7c3e-8f52-${String(stored++).padStart(12, '0')}`;
        const sent = await inbox.provider.send(
          {
            tenantId: TENANT,
            userId: user,
            notificationId: id,
            notificationType: String(type),
            channel: 'in_app',
            target: { kind: 'none' },
            message,
            idempotencyKey: `${id}.in_app`,
            attempt: 1,
          },
          new AbortController().signal,
        );
        if (sent.kind !== 'sent') throw new Error('the message was not stored');
      }
    },
    streams: (context) => streams.get(context) ?? 0,
    complaints: () => {
      const found = complaints;
      complaints = [];
      return found;
    },
  };
}

/** The button of the bell. */
export const bell = (page: Page) => page.getByRole('button', { name: /^Notifications/ });
