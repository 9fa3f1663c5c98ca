import { existsSync, mkdirSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { type Browser, chromium, type Page } from 'playwright-core';

const EXECUTABLE = process.env['PACER_CHROMIUM'] ?? '/usr/bin/chromium';
const ARTIFACTS = resolve(
  process.env['PACER_ARTIFACTS'] ?? join(import.meta.dirname, '../artifacts'),
);
const ARGUMENTS = [
  '--no-sandbox',
  '--disable-gpu',
  '--disable-quic',
  '--no-first-run',
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-sync',
];
const WAIT_LIMIT_MS = 30_000;

/** Whether there is a browser to test with. Without one it says so; where nothing may be skipped (CI) it throws. */
export function hasChromium(): boolean {
  if (existsSync(EXECUTABLE)) return true;
  const message = `Chromium is not at ${EXECUTABLE} (PACER_CHROMIUM)`;
  if (process.env['CI'] === 'true') throw new Error(message);
  process.stderr.write(`skipped: ${message}\n`);
  return false;
}

/** One browser with one page, and all that went wrong in it. */
export class Visitor {
  /** Uncaught errors and errors the page wrote to its console, those of unanswered requests left out. */
  readonly errors: string[] = [];
  /** Requests to anywhere but the controller. */
  readonly foreignRequests: string[] = [];
  /** Documents loaded so far. */
  loads = 0;
  private browser: Browser | undefined;
  private openPage: Page | undefined;

  /** `origin` is where the controller answers: `http://127.0.0.1:8080`; `login` is typed when it asks for one. */
  constructor(
    private readonly origin: string,
    private readonly login?: { readonly username: string; readonly password: string },
  ) {}

  get page(): Page {
    if (this.openPage === undefined) throw new Error('the browser is not open');
    return this.openPage;
  }

  async open(): Promise<void> {
    this.browser = await chromium.launch({ executablePath: EXECUTABLE, args: ARGUMENTS });
    const context = await this.browser.newContext({
      baseURL: this.origin,
      ...(this.login === undefined ? {} : { httpCredentials: this.login }),
      viewport: { width: 1280, height: 800 },
      colorScheme: 'light',
      // What moves by itself would make screenshots differ.
      reducedMotion: 'reduce',
    });
    this.openPage = await context.newPage();
    this.page.setDefaultTimeout(WAIT_LIMIT_MS);
    this.page.on('pageerror', (error) => this.errors.push(error.message));
    this.page.on('load', () => {
      this.loads += 1;
    });
    this.page.on('console', (message) => {
      const isNetwork = message.text().startsWith('Failed to load resource');
      if (message.type() === 'error' && !isNetwork) this.errors.push(message.text());
    });
    this.page.on('request', (request) => {
      const url = request.url();
      if (!url.startsWith(`${this.origin}/`) && !url.startsWith('data:')) {
        this.foreignRequests.push(url);
      }
    });
  }

  async close(): Promise<void> {
    await this.browser?.close();
  }

  /** Keeps a picture of the window in the artifacts folder. */
  async shoot(name: string): Promise<void> {
    mkdirSync(ARTIFACTS, { recursive: true });
    await this.page.screenshot({ path: join(ARTIFACTS, `${name}.png`), animations: 'disabled' });
  }

  /** Calls `act` with the window at another size, and sets it back. */
  async atSize(width: number, height: number, act: () => Promise<void>): Promise<void> {
    const before = this.page.viewportSize();
    await this.page.setViewportSize({ width, height });
    try {
      await act();
    } finally {
      if (before !== null) await this.page.setViewportSize(before);
    }
  }
}
