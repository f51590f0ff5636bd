import { accessSync, constants } from 'node:fs';
import { delimiter, join } from 'node:path';
import { setTimeout } from 'node:timers/promises';
import { type Browser, type BrowserContextOptions, chromium, type Page, type Request } from 'playwright-core';

/** The build without windows takes half the time. */
const NAMES = ['chromium-headless-shell', 'chromium', 'chromium-browser', 'google-chrome'];

/** The Chromium of this machine; `CHROMIUM` names another. Nothing is downloaded. */
export function findChromium(): string | undefined {
  const { CHROMIUM, PATH = '' } = process.env;
  if (CHROMIUM) return CHROMIUM;
  const folders = [...PATH.split(delimiter), '/usr/bin'];
  return NAMES.flatMap((name) => folders.map((folder) => join(folder, name))).find(isProgram);
}

/** Headless, and unable to reach anything but 127.0.0.1. Runs as root too: playwright leaves Chromium's sandbox off. */
export function launchBrowser(executablePath: string): Promise<Browser> {
  return chromium.launch({
    executablePath,
    args: [
      '--disable-gpu',
      '--disable-background-networking',
      '--disable-component-update',
      '--disable-sync',
      '--no-first-run',
      '--disable-quic',
      '--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1',
    ],
  });
}

/** One user at one page, with separate settings. */
export interface Visit {
  readonly page: Page;
  /** Errors in the console, uncaught errors, and requests to other origins than that of the page. */
  readonly complaints: string[];
}

export async function openVisit(
  browser: Browser,
  origin: string,
  settings: BrowserContextOptions = {},
): Promise<Visit> {
  const context = await browser.newContext({
    locale: 'en-GB',
    timezoneId: 'UTC',
    reducedMotion: 'reduce',
    ...settings,
  });
  // Long, since a busy machine is no failure.
  context.setDefaultTimeout(30_000);
  const page = await context.newPage();
  const complaints: string[] = [];
  const asked = new Set<Request>();
  underWay.set(page, asked);
  page.on('request', (request) => {
    if (!new URL(request.url()).pathname.endsWith('/stream')) asked.add(request);
  });
  page.on('requestfinished', (request) => asked.delete(request));
  page.on('requestfailed', (request) => asked.delete(request));
  page.on('console', (message) => {
    if (message.type() === 'error') complaints.push(message.text());
  });
  page.on('pageerror', (error) => complaints.push(String(error)));
  context.on('request', (request) => {
    const url = new URL(request.url());
    if (url.protocol.startsWith('http') && url.origin !== origin) complaints.push(`a request to ${url.href}`);
  });
  return { page, complaints };
}

/** Requests of a page that are not answered, but for streams, which stay open. */
const underWay = new WeakMap<Page, ReadonlySet<Request>>();
const IDLE_MS = 500;

/** Resolves when a page has waited for no answer for half a second. Playwright's own "networkidle" never comes while a stream is open. */
export async function networkSettled(page: Page): Promise<void> {
  let since = performance.now();
  while (performance.now() - since < IDLE_MS) {
    if (underWay.get(page)?.size) since = performance.now();
    await setTimeout(50);
  }
}

/** Pixels by which the page is wider than its window. */
export function tooWide(page: Page): Promise<number> {
  return page.evaluate<number>('document.documentElement.scrollWidth - innerWidth');
}

/** Visible text with less contrast to what is behind it than WCAG AA asks of small letters (4.5), with its ratio. */
export async function faintText(page: Page): Promise<string[]> {
  const texts = await page.evaluate<{ text: string; color: Color; grounds: Color[] }[]>(READ_COLORS);
  return texts.flatMap(({ text, color, grounds }) => {
    const ground = grounds.reduceRight(lay, [255, 255, 255, 1]);
    const lights = [brightness(ground), brightness(lay(ground, color))];
    const ratio = (Math.max(...lights) + 0.05) / (Math.min(...lights) + 0.05);
    return ratio < 4.5 ? [`${ratio.toFixed(2)}: ${text}`] : [];
  });
}

/** Red, green and blue up to 255, alpha up to 1. */
type Color = readonly [number, number, number, number];

/** As text, because it runs in the page: the types of a page's globals would apply everywhere. */
const READ_COLORS = `(() => {
  const pixel = document.createElement('canvas').getContext('2d', { willReadFrequently: true });
  const paint = (css) => {
    pixel.clearRect(0, 0, 1, 1);
    pixel.fillStyle = css;
    pixel.fillRect(0, 0, 1, 1);
    const [red, green, blue, alpha] = pixel.getImageData(0, 0, 1, 1).data;
    return [red, green, blue, alpha / 255];
  };
  const once = (of) => {
    const known = new Map();
    return (one) => known.get(one) ?? known.set(one, of(one)).get(one);
  };
  const read = once(paint);
  const behind = once((element) =>
    element ? [read(getComputedStyle(element).backgroundColor), ...behind(element.parentElement)] : []);
  const found = [];
  const texts = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  while (texts.nextNode()) {
    const text = texts.currentNode.textContent.trim();
    const element = texts.currentNode.parentElement;
    if (!text || !element.checkVisibility()) continue;
    found.push({ text: text.slice(0, 60), color: read(getComputedStyle(element).color), grounds: behind(element) });
  }
  return found;
})()`;

function lay(under: Color, over: Color): Color {
  const mix = (index: 0 | 1 | 2) => over[index] * over[3] + under[index] * (1 - over[3]);
  return [mix(0), mix(1), mix(2), 1];
}

/** Relative luminance as WCAG 2 defines it. */
function brightness([red, green, blue]: Color): number {
  const linear = (value: number) => (value <= 10 ? value / 3294.6 : ((value / 255 + 0.055) / 1.055) ** 2.4);
  return 0.2126 * linear(red) + 0.7152 * linear(green) + 0.0722 * linear(blue);
}

function isProgram(file: string): boolean {
  try {
    accessSync(file, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}
