import { build } from 'esbuild';
import type { Page } from 'playwright-core';
import { afterEach, describe, expect, test } from 'vitest';
import { findViolations } from './support/axe.ts';
import { tooWide } from './support/browser.ts';
import { bell, chromium, useElementPages } from './support/element-pages.ts';

const BELL = '<tidings-bell></tidings-bell>';
const LIST = '<tidings-inbox></tidings-inbox>';

describe.skipIf(!chromium)('the elements of the inbox, on a page of another site with a strict policy', () => {
  const pages = useElementPages();

  afterEach(() => {
    expect(pages.complaints()).toEqual([]);
  });

  test('the bell opens by the keyboard, moves the focus into its panel, and gets it back', async () => {
    await pages.store('kim', { title: 'One', text: 'first' }, { title: 'Two', text: 'second' });
    const page = await pages.open('kim', `${BELL}<a href="/elsewhere">elsewhere</a>`);
    await page.getByRole('button', { name: 'Notifications, 2 unread' }).waitFor();
    expect(await bell(page).getAttribute('aria-expanded')).toBe('false');
    await bell(page).focus();
    await page.keyboard.press('Enter');
    const dialog = page.getByRole('dialog', { name: 'Notifications' });
    await dialog.getByRole('article').first().waitFor();
    expect(await bell(page).getAttribute('aria-expanded')).toBe('true');
    expect(
      await dialog.getByRole('article').evaluateAll((all) => all.map((one) => one.getAttribute('aria-posinset'))),
    ).toEqual(['1', '2']);
    expect(await findViolations(page)).toEqual([]);
    await page.keyboard.press('Escape');
    await dialog.waitFor({ state: 'hidden' });
    expect(await page.evaluate('document.activeElement.localName')).toBe('tidings-bell');
    // Items that were on the screen are seen, and not read.
    await page.keyboard.press('Enter');
    await expect.poll(async () => (await pages.inbox.list('kim')).counts).toMatchObject({ unread: 2, unseen: 0 });
    await page.mouse.click(5, 500);
    await dialog.waitFor({ state: 'hidden' });
  });

  test('articles are left by Page Up and Page Down, read by Enter, and changed by a menu of the keyboard', async () => {
    await pages.store('lea', { title: 'One', text: 'first' }, { title: 'Two', text: 'second' });
    const page = await pages.open('lea', LIST);
    const [two, one] = [page.getByRole('article', { name: 'Two' }), page.getByRole('article', { name: 'One' })];
    await two.focus();
    await page.keyboard.press('PageDown');
    expect(
      await one.evaluate(
        (element) => (element.getRootNode() as unknown as { activeElement: unknown }).activeElement === element,
      ),
    ).toBe(true);
    await page.keyboard.press('Enter');
    await expect.poll(async () => (await pages.inbox.list('lea', '?view=unread')).items.length).toBe(1);
    await page.keyboard.press('PageUp');
    await page.keyboard.press('Tab');
    await page.keyboard.press('Enter');
    const menu = page.getByRole('menu', { name: 'More for “Two”' });
    await menu.waitFor();
    expect(await findViolations(page)).toEqual([]);
    await page.keyboard.press('ArrowDown');
    await page.keyboard.press('Enter');
    await two.waitFor({ state: 'detached' });
    await page.getByText('Done: Archive').waitFor({ state: 'attached' });
    await page.getByRole('tab', { name: 'Archived' }).click();
    await two.waitFor();
    await page.keyboard.press('ArrowLeft');
    await page.getByText('You have read everything.').waitFor();
  });

  test('a snoozed item goes at once, and the numbers follow by themselves when an item expires', async () => {
    const { clock } = pages.inbox.tidings;
    await pages.store('max', { title: 'Later', text: 'x' }, { title: 'Stays', text: 'z' });
    const page = await pages.open('max', `${BELL}${LIST}`);
    await page.getByRole('button', { name: 'More for “Later”' }).click();
    await page.getByRole('menuitem', { name: 'Snooze for an hour' }).click();
    await page.getByRole('article', { name: 'Later' }).waitFor({ state: 'detached' });
    await expect.poll(async () => (await pages.inbox.list('max', '?view=snoozed')).items.length).toBe(1);
    clock.now = Date.now();
    const expires_at = new Date(clock.now + 3000).toISOString();
    await pages.store('max', { title: 'Soon gone', text: 'y', inbox: { expires_at } });
    // The page asks again when the server said that something expires; the server's clock goes on meanwhile.
    await expect
      .poll(
        async () => {
          clock.now = Date.now();
          const isGone = clock.now > Date.parse(expires_at);
          return isGone && (await bell(page).getAttribute('aria-label'));
        },
        { timeout: 30_000 },
      )
      .toBe('Notifications, 1 unread');
    await page.getByRole('article', { name: 'Soon gone' }).waitFor({ state: 'detached' });
    expect(await page.getByRole('article').count()).toBe(1);
  });

  test('the numbers are the same in two tabs, which share a stream, and on another device', async () => {
    const first = await pages.open('ann', BELL);
    await bell(first).waitFor();
    const context = first.context();
    const second = await pages.open('ann', `${BELL}${LIST}`, { context });
    const other = await pages.open('ann', `${BELL}${LIST}`);
    await pages.inbox.tell('ann', 'one', 'two', 'three');
    const name = (count: number) => `Notifications, ${count} unread`;
    const all = [first, second, other];
    const showAll = (count: number) =>
      Promise.all(
        all.map((page) =>
          page.getByRole('button', { name: count ? name(count) : 'Notifications', exact: true }).waitFor(),
        ),
      );
    await showAll(3);
    expect(pages.streams(context)).toBe(1);
    await second.getByRole('article', { name: 'two' }).click();
    await showAll(2);
    await other.getByRole('button', { name: 'Mark all as read' }).click();
    await showAll(0);
    await expect.poll(() => second.locator('article.unread').count()).toBe(0);
    // The tab that reads the stream is closed: the next one goes on, and misses nothing.
    await first.close();
    all.shift();
    await pages.inbox.tell('ann', 'four');
    await showAll(1);
    await second.getByRole('article', { name: 'four' }).waitFor();
  });

  test('a page goes on where it was when the server comes back', async () => {
    const page = await pages.open('bob', `${BELL}${LIST}`);
    await pages.inbox.tell('bob', 'before');
    await page.getByRole('article', { name: 'before' }).waitFor();
    const { server } = pages.inbox;
    const port = Number(new URL(server.url).port);
    await server.close();
    await pages.inbox.tell('bob', 'while it was away');
    await pages.inbox.startServer(port);
    await page.getByRole('article', { name: 'while it was away' }).waitFor();
    await page.getByRole('button', { name: 'Notifications, 2 unread' }).waitFor();
    expect(
      pages
        .complaints()
        .filter(
          (one) =>
            !/blocked by CORS policy|ERR_FAILED|ERR_CONNECTION_REFUSED|ERR_INCOMPLETE_CHUNKED|Failed to fetch|ERR_EMPTY_RESPONSE|ERR_CONNECTION_RESET/.test(
              one,
            ),
        ),
    ).toEqual([]);
  });

  test('a token is fetched anew when it ends', async () => {
    pages.setLifetime('1m');
    const page = await pages.open('eva', `${BELL}${LIST}`);
    await bell(page).waitFor();
    const before = pages.tokens();
    pages.inbox.tidings.clock.now += 5 * 60_000;
    await expect.poll(() => pages.tokens()).toBeGreaterThan(before);
    pages.setLifetime('15m');
    await pages.inbox.tell('eva', 'with another token');
    await page.getByRole('article', { name: 'with another token' }).waitFor();
    pages.inbox.tidings.clock.now = Date.now();
    pages.complaints();
  });

  test('hostile texts stay texts, and hostile links lead nowhere', async () => {
    const script = '<img src=x onerror=alert(1)><script>alert(2)</script>';
    const bad = [
      'javascript:alert(1)',
      ' jav\tascript:alert(1)',
      'data:text/html,<script>alert(1)</script>',
      'vbscript:x',
    ];
    await pages.store('mallory', {
      title: script,
      text: `${script}\n\n[click](javascript:alert(1)) **${script}** [x](https://good.example/a"onclick="alert(1))`,
      image: 'javascript:alert(1)',
      actions: bad.map((url) => ({ label: script, url })),
      inbox: { url: 'javascript:alert(1)', icon: 'http://insecure.example/x.png', group: script },
    });
    const page = await pages.open('mallory', `${BELL}${LIST}<tidings-toast></tidings-toast>`);
    const article = page.getByRole('article').first();
    await article.waitFor();
    await pages.store('mallory', {
      title: script,
      text: script,
      inbox: { url: 'javascript:alert(1)', severity: 'critical' },
    });
    await page.getByRole('alert').getByText(script).first().waitFor();
    await article.click();
    const found = await page.evaluate<
      string[]
    >(`[...document.querySelectorAll('tidings-inbox, tidings-toast')].flatMap(({ shadowRoot }) =>
      [...shadowRoot.querySelectorAll('*')].flatMap((one) => [
        ...['script', 'iframe', 'object'].includes(one.localName) ? [one.localName] : [],
        ...one.getAttributeNames().filter((name) => /^on|^style$/.test(name) || /^\\s*(javascript|data|vbscript)/i.test(one[name] ?? '')),
        ...(one.localName === 'img' ? [one.src] : []),
        ...(one.localName === 'a' ? [one.href] : []),
      ]))`);
    expect(found).toEqual(
      [expect.stringMatching(/^https:\/\/good\.example\/a%22onclick=%22alert\(1$/)].slice(0, found.length),
    );
    expect(await page.locator('h3').first().innerText()).toContain('<script>');
    expect(await page.evaluate('document.querySelectorAll("[style]").length')).toBe(0);
  });

  test('from right to left, and on a phone, nothing is cut off and axe finds nothing', async () => {
    await pages.store('noor', {
      title: 'عنوان طويل جدا '.repeat(4),
      text: `aVeryLongWordThatDoesNotBreak${'x'.repeat(200)}`,
      actions: [
        { label: 'Open the booking now', url: 'https://shop.example/a' },
        { label: 'Cancel the whole booking', url: 'https://shop.example/b' },
        { label: 'Help', url: 'app://help' },
        { label: 'One too many', url: 'https://shop.example/c' },
      ],
      inbox: { severity: 'warning' },
    });
    const page = await pages.open('noor', BELL, {
      dir: 'rtl',
      viewport: { width: 320, height: 600 },
      hasTouch: true,
      colorScheme: 'dark',
    });
    await bell(page).click();
    const dialog = page.getByRole('dialog');
    await dialog.getByRole('article').waitFor();
    expect(await dialog.evaluate((element) => element.matches(':modal'))).toBe(true);
    expect(await dialog.getByRole('link').count()).toBe(3);
    expect(await tooWide(page)).toBe(0);
    expect(await dialog.locator('.scroll').evaluate((element) => element.scrollWidth - element.clientWidth)).toBe(0);
    expect(await findViolations(page)).toEqual([]);
    await page.keyboard.press('Escape');
    await dialog.waitFor({ state: 'hidden' });
  });

  test('threads and long lists fold, and what a change does is taken back if the server rejects it', async () => {
    await pages.store('olga', ...[1, 2, 3].map((n) => ({ title: `Comment ${n}`, text: 'x', inbox: { group: 'T1' } })), {
      title: 'Digest',
      text: 'Today:\n\n- a\n- b\n- c\n- d\n- e',
    });
    const page = await pages.open('olga', LIST);
    await page.getByRole('article', { name: 'Comment 3' }).waitFor();
    expect(await page.getByRole('article').count()).toBe(2);
    await page.locator('[part=group]').getByText('2 more').click();
    await page.getByRole('article', { name: 'Comment 1' }).waitFor();
    expect(await page.getByRole('listitem').count()).toBe(3);
    await page.locator('[part=fold]').getByText('2 more').click();
    expect(await page.getByRole('listitem').count()).toBe(5);
    await page.route('**/archive', (route) =>
      route.fulfill({
        status: 503,
        headers: { 'access-control-allow-origin': '*' },
        json: { code: 'unavailable', detail: 'away' },
      }),
    );
    await page.getByRole('button', { name: 'More for “Digest”' }).click();
    await page.getByRole('menuitem', { name: 'Archive' }).click();
    await page.getByText('That did not work, and was taken back.').waitFor({ state: 'attached' });
    await page.getByRole('article', { name: 'Digest' }).waitFor();
    expect(pages.complaints()).toEqual([expect.stringContaining('503')]);
  });

  test('toasts show what arrives, at most so many at a time, and keep what is critical', async () => {
    const page = await pages.open('pia', `${BELL}<tidings-toast max="2" duration="60"></tidings-toast>`);
    await bell(page).waitFor();
    await expect.poll(() => pages.streams(page.context())).toBe(1);
    await pages.store(
      'pia',
      { title: 'A', text: 'a' },
      { title: 'B', text: 'b' },
      { title: 'C', text: 'c', inbox: { severity: 'critical' } },
    );
    await page.getByRole('alert').getByText('C', { exact: true }).waitFor();
    const region = page.getByRole('region', { name: 'Notifications' });
    await expect.poll(() => region.locator('strong').allInnerTexts()).toEqual(['B', 'C']);
    expect(await findViolations(page)).toEqual([]);
    await region.getByRole('button', { name: 'Close: B' }).click();
    expect(await region.locator('strong').allInnerTexts()).toEqual(['C']);
  });

  test('a page draws items in its own way, prevents navigation, and puts its own words and things around', async () => {
    await pages.store('rui', {
      title: 'Own',
      text: 'x',
      data: { total: 7 },
      inbox: { url: 'https://shop.example/orders/7' },
    });
    const page = await pages.open(
      'rui',
      `<tidings-inbox tabs="all,Orders:category=TRANSACTIONAL"><p slot="above-header">Above</p><p slot="footer">Below</p>
       <template slot="item"><b data-text="message.title"></b><i data-text="message.data.total"></i><u data-if="message.data.none">no</u></template></tidings-inbox>`,
    );
    const article = page.getByRole('article');
    await article.waitFor();
    expect(await page.locator('[slot^=item-]').and(page.locator('div')).innerText()).toBe('Own7');
    await page.evaluate(
      `document.addEventListener('tidings-item-click', (event) => { event.preventDefault(); document.title = event.detail.item.url; })`,
    );
    await article.click();
    expect(await page.title()).toBe('https://shop.example/orders/7');
    expect(page.url()).toContain(pages.site);
    await page.getByText('Above').waitFor();
    await page.evaluate(
      `document.querySelector('tidings-provider').strings = { title: 'Post', 'tab.all': 'Everything' }`,
    );
    await page.getByRole('heading', { name: 'Post' }).waitFor();
    await page.evaluate(`document.querySelector('tidings-provider').setAttribute('locale', 'pt-BR')`);
    await page.getByRole('button', { name: 'Mais opções de «Own»' }).waitFor();
    await page.getByRole('tab', { name: 'Orders' }).click();
    await page.getByText('Não há nada aqui.').waitFor();
  });

  test.each(['react', 'vue'])(
    'an app of %s draws them by the wrappers, and gets their properties and events',
    async (framework) => {
      const user = `user of ${framework}`;
      await pages.store(user, { title: 'Own', text: 'x', inbox: { url: 'https://shop.example/orders/7' } });
      const { outputFiles } = await build({
        entryPoints: [`packages/inbox/demo/frameworks/${framework}.ts`],
        bundle: true,
        write: false,
        define: { 'process.env.NODE_ENV': '"production"' },
      });
      const data = `data-api="${pages.inbox.server.url}" data-token-url="/token?user=${encodeURIComponent(user)}"`;
      const page = await pages.open(user, `<div id="app" ${data}></div>`, { bypassCSP: true });
      await page.addScriptTag({ content: outputFiles[0]!.text });
      await page.getByText('1 unread, nothing clicked').waitFor();
      await page.locator(`.of-${framework}`).getByRole('heading', { name: 'Own!' }).click();
      await page.getByText('unread, Own clicked').waitFor();
      expect(page.url()).toContain(pages.site);
    },
  );

  test('preferences are saved by their switches, announced, and taken back; what is required says so', async () => {
    await pages.inbox.tell('sam', 'makes the user known');
    const page = await pages.open('sam', '<tidings-preferences></tidings-preferences>');
    const news = page.getByRole('switch', { name: 'Text message: News', exact: true });
    await news.waitFor();
    expect(await findViolations(page)).toEqual([]);
    const isOn = async () => {
      const { body } = await pages.inbox.server.get('/api/v1/users/sam/preferences');
      return body.types.find(({ type }: { type: string }) => type === 'NEWS').channels.sms.on as boolean;
    };
    await news.focus();
    await page.keyboard.press('Space');
    await page.getByRole('status').getByText('Text message: News is off. Saved.').waitFor();
    expect([await isOn(), await news.getAttribute('aria-checked')]).toEqual([false, 'false']);
    expect(
      await page.evaluate(
        `document.querySelector('tidings-preferences').shadowRoot.activeElement.getAttribute('aria-label')`,
      ),
    ).toBe('Text message: News');
    // If two choices have the same time, the stricter one counts.
    pages.inbox.tidings.clock.now += 1000;
    await page.getByRole('button', { name: 'Undo' }).click();
    await page.getByRole('status').getByText('Taken back.').waitFor();
    expect([await isOn(), await news.getAttribute('aria-checked')]).toEqual([true, 'true']);
    const required = page.getByRole('switch', { name: 'In the app: Login' });
    expect([await required.getAttribute('aria-disabled'), await required.getAttribute('aria-checked')]).toEqual([
      'true',
      'true',
    ]);
    await page.getByRole('row', { name: /Login/ }).getByText('Required: it cannot be turned off.').waitFor();
    await required.press('Enter');
    await page.getByRole('status').getByText('Required: it cannot be turned off.').waitFor();
    // All of a category, and from then on the switches below it wait for that one.
    await page.getByRole('switch', { name: 'Push: All of: News and offers' }).click();
    await expect
      .poll(() => page.getByRole('switch', { name: 'Push: News', exact: true }).getAttribute('aria-disabled'))
      .toBe('true');
    await page.getByRole('combobox', { name: 'How often: Order' }).selectOption('DAILY');
    await page.getByRole('switch', { name: 'No messages at these hours' }).click();
    await expect
      .poll(async () => (await pages.inbox.server.get('/api/v1/users/sam/preferences')).body.chosen)
      .toMatchObject({
        categories: { MARKETING: { push: false } },
        types: { ORDER: { frequency: 'DAILY' } },
        quiet_hours: { start: '22:00', end: '08:00', zone: 'UTC' },
      });
    await page.setViewportSize({ width: 320, height: 700 });
    expect(await tooWide(page)).toBe(0);
    expect(await findViolations(page)).toEqual([]);
  });

  test('the bar that says what was saved covers no control with the focus, and is not there before', async () => {
    const hidden = `(() => {
      const { shadowRoot } = document.querySelector('tidings-preferences');
      const { activeElement: control } = shadowRoot;
      if (!control) return '';
      const { left, top, right, bottom } = control.getBoundingClientRect();
      const [x, y] = [(left + right) / 2, (top + bottom) / 2];
      const points = [[x, y], [x, top + 1], [x, bottom - 1], [left + 1, y], [right - 1, y]];
      const isSeen = ([x, y]) => { const at = shadowRoot.elementFromPoint(x, y); return control === at || control.contains(at); };
      return points.every(isSeen) ? 'seen' : 'not all seen: ' + (control.ariaLabel || control.labels?.[0]?.innerText || control.localName);
    })()`;
    const walk = async (page: Page) => {
      const found: string[] = [];
      await page.locator('tidings-preferences [role=switch]').first().press('Shift+Tab');
      for (let step = 0; step < 40; step++) {
        await page.keyboard.press('Tab');
        found.push(await page.evaluate<string>(hidden));
      }
      return found.filter(Boolean);
    };
    await pages.inbox.tell('ida', 'makes the user known');
    for (const viewport of [
      { width: 1280, height: 330 },
      { width: 320, height: 330 },
    ]) {
      const page = await pages.open('ida', '<tidings-preferences></tidings-preferences><p>after</p>', { viewport });
      const last = page.getByRole('switch', { name: 'In the app: Order' });
      await last.waitFor();
      const result = page.locator('tidings-preferences [part=result]');
      expect((await result.boundingBox())?.height).toBe(0);
      const steps = await walk(page);
      expect(steps.length).toBeGreaterThan(12);
      expect(steps.filter((step) => step !== 'seen')).toEqual([]);
      // It comes up while a control has the focus that stood at the end of the window.
      await page.getByRole('switch', { name: 'In the app: Login' }).focus();
      await page.evaluate(
        `scrollBy(0, document.querySelector('tidings-preferences').shadowRoot.activeElement.getBoundingClientRect().bottom - innerHeight)`,
      );
      await page.keyboard.press('Space');
      await page.getByRole('status').getByText('Required: it cannot be turned off.').waitFor();
      expect((await result.boundingBox())?.height).toBeGreaterThan(40);
      expect(await page.evaluate(hidden)).toBe('seen');
      expect((await walk(page)).filter((step) => step !== 'seen')).toEqual([]);
    }
  });

  test('of ten thousand items, a page holds what was asked for, and a change touches its own article', async () => {
    const total = 10_000;
    const page = await pages.open(
      'tom',
      '<tidings-bell badge="unread"></tidings-bell><tidings-inbox page-size="100"></tidings-inbox>',
    );
    await bell(page).waitFor();
    // A server of the page itself: what is tried here are the client and the list.
    await page.evaluate(`(() => {
      const toItem = (sequence) => ({
        notification_id: 'n' + sequence, notification_type: 'NOTED', category: 'SYSTEM', sequence, change: sequence,
        created_at: '2026-01-01T00:00:00Z', seen_at: null, read_at: null, archived_at: null, snoozed_until: null, expires_at: null,
        group: null, severity: 'info', icon: null, url: null, message: { title: 'Item ' + sequence, text: 'x' },
      });
      const answer = (body) => new Response(JSON.stringify(body), { headers: { 'content-type': 'application/json' } });
      const fetch = async (url) => {
        const { pathname, searchParams } = new URL(url);
        if (pathname.endsWith('/stream')) return new Response(new ReadableStream({}));
        if (pathname.endsWith('/read')) {
          const sequence = Number(pathname.split('/').at(-2).slice(1));
          return answer({ ...toItem(sequence), read_at: '2026-01-02T00:00:00Z', change: ${total} + 1 });
        }
        const limit = Number(searchParams.get('limit'));
        const from = Number(searchParams.get('after') ?? ${total});
        const items = Array.from({ length: Math.min(limit, from) }, (_, index) => toItem(from - index));
        const counts = { unread: 1000, unseen: 0, position: ${total}, stale_in: null };
        return answer({ items, counts, next: from > limit ? String(from - limit) : null });
      };
      const provider = document.querySelector('tidings-provider');
      const Client = provider.client.constructor;
      provider.client = new Client({ api: location.origin, getToken: () => 'token', fetch, share: false });
    })()`);
    await page.getByRole('article', { name: 'Item 10000', exact: true }).waitFor();
    await page.getByRole('button', { name: 'Notifications, 999+ unread' }).waitFor();
    expect(await page.getByRole('article').count()).toBeLessThan(500);
    const [touched, items] = await page.evaluate<[number, number]>(`(async () => {
      const inbox = document.querySelector('tidings-inbox');
      const { client } = document.querySelector('tidings-provider');
      const list = client.list({}, 100);
      do await list.loadMore(); while (list.state.hasMore);
      const feed = inbox.shadowRoot.querySelector('[role=feed]');
      let touched = 0;
      new MutationObserver((records) => { touched += records.length; }).observe(feed, { subtree: true, childList: true, attributes: true });
      await client.act(inbox.items[3], 'read');
      await new Promise((resolve) => requestAnimationFrame(resolve));
      return [touched, list.state.items.length];
    })()`);
    expect(items).toBe(total);
    expect(touched).toBeGreaterThan(0);
    expect(touched).toBeLessThan(20);
    // Its client is listened to once, however often the provider begins anew.
    const listeners = await page.evaluate<number[]>(`(async () => {
      const provider = document.querySelector('tidings-provider');
      const { client } = provider;
      const on = client.on.bind(client);
      let count = 0;
      client.on = (...given) => {
        const end = on(...given);
        count += 1;
        return () => { count -= 1; end(); };
      };
      const counts = [];
      for (const share of ['off', 'on', 'off', 'on']) {
        provider.setAttribute('share', share);
        await new Promise((resolve) => setTimeout(resolve));
        counts.push(count);
      }
      return counts;
    })()`);
    expect(listeners[0]).toBeGreaterThan(0);
    expect(listeners).toEqual(Array(4).fill(listeners[0]));
    pages.complaints();
  });
});
