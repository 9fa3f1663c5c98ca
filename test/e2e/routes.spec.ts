import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { WireRoutes } from '#marathon-v2';
import { CertificateAuthority } from '../support/certificates.js';
import { webApp } from './support/apps.js';
import { hasChromium, Visitor } from './support/browser.js';
import { Cluster } from './support/cluster.js';
import { eventually, pause, request } from './support/http.js';
import { startPacer } from './support/pacer.js';

const PHONE = { width: 375, height: 740 };

interface WirePlain {
  readonly app: { readonly portDefinitions: readonly { readonly port: number }[] };
}

/** What the edge serves, in a real cluster: over the API, in the browser, and while an app is deleted. */
describe('routes', () => {
  const cluster = new Cluster();
  const { api } = cluster;
  const folder = mkdtempSync(join(tmpdir(), 'pacer-routes-'));
  beforeAll(() => cluster.start());
  afterAll(async () => {
    await cluster.destroy();
    rmSync(folder, { recursive: true });
  });

  const viaHost = () => request(`${cluster.edgeUrl}/`, { headers: { host: 'hello.localhost' } });
  const routes = async (): Promise<WireRoutes> =>
    JSON.parse((await api.send('GET', '/v2/routes')).text);

  it('are shown with their instances, and who asks for the same is refused', async () => {
    await api.send('POST', '/v2/apps', webApp('/hello'));
    await api.steady('/hello', 3);

    await eventually('the router has applied everything', async () => {
      const { routes: all, routers, problems } = await routes();
      expect(all).toMatchObject([{ id: '/hello:0', vhosts: ['hello.localhost'], mode: 'http' }]);
      expect(all[0]?.instances).toHaveLength(3);
      expect(routers).toMatchObject([{ isRecent: true, behindEvents: 0 }]);
      expect(problems).toEqual([]);
      return true;
    });
    const copy = await api.send('POST', '/v2/apps', webApp('/copy', { host: 'hello.localhost' }));

    expect(copy.status).toBe(422);
    expect(copy.text).toContain('/copy: host hello.localhost is already claimed by /hello');
  });

  it.runIf(hasChromium())('are a page of the UI that lives and fits a phone', async () => {
    const visitor = new Visitor(api.url);
    await visitor.open();
    try {
      const { page } = visitor;
      await page.goto('/ui/apps/hello');
      await page.getByRole('link', { name: 'at the edge' }).click();
      const table = page.getByRole('table', { name: 'Routes' });
      await table.getByText('hello.localhost', { exact: true }).waitFor();
      await table.getByText('3 ready').waitFor();
      await page.getByRole('button', { name: 'Instances of /hello:0' }).click();
      const instances = page.getByRole('list', { name: 'Instances behind /hello:0' });
      expect(await instances.getByRole('listitem').count()).toBe(3);

      await api.send('PUT', '/v2/apps/hello', { instances: 2 });
      await table.getByText('2 ready').waitFor();
      await page.setViewportSize(PHONE);
      const width = await page.evaluate<number>('document.documentElement.scrollWidth');
      expect(width).toBeLessThanOrEqual(PHONE.width);

      await page.getByRole('searchbox', { name: 'Search routes' }).fill('nothing-like-this');
      await page.getByRole('heading', { name: 'No route matches' }).waitFor();
      await page.getByRole('button', { name: 'Clear search' }).last().click();
      await table.getByRole('link', { name: '/hello' }).click();
      await page.waitForURL('**/ui/apps/hello');
      expect(visitor.errors).toEqual([]);
    } finally {
      await visitor.close();
    }
  });

  it.runIf(hasChromium())(
    'have certificates, by the dialog; a wrong one is told and changes nothing',
    async () => {
      const authority = new CertificateAuthority(join(folder, 'ui-ca'));
      const [good, other] = ['one', 'two'].map((name) => {
        const { cert, key } = authority.issue(name, { hosts: ['hello.localhost'] });
        return { certificate: readFileSync(cert, 'utf8'), key: readFileSync(key, 'utf8') };
      });
      if (good === undefined || other === undefined) throw new Error('no certificates');
      const stored = async (): Promise<string> => (await api.send('GET', '/v2/certificates')).text;
      const nothing = await stored();
      const visitor = new Visitor(api.url);
      await visitor.open();
      try {
        const { page } = visitor;
        await page.goto('/ui/routes');
        const panel = page.getByRole('region', { name: 'Certificates' });
        const dialog = page.getByRole('dialog', { name: 'Upload a certificate' });
        const upload = async (pem: typeof good): Promise<void> => {
          await dialog.getByLabel('Certificate').fill(pem.certificate);
          await dialog.getByLabel('Key').fill(pem.key);
          await dialog.getByRole('button', { name: 'Upload' }).click();
        };
        const refuses = async (pem: typeof good, words: RegExp): Promise<void> => {
          await upload(pem);
          await dialog.getByRole('alert').filter({ hasText: words }).waitFor();
        };

        await panel.getByText('None is stored').waitFor();
        await panel.getByRole('button', { name: 'Upload certificate' }).click();
        const submit = dialog.getByRole('button', { name: 'Upload' });
        expect(await submit.isDisabled()).toBe(true);
        await dialog.getByLabel('Name').fill('ui-shop');
        await refuses({ ...good, certificate: 'no PEM at all' }, /PEM/);
        await refuses({ ...good, key: other.key }, /key/);
        expect(await stored()).toBe(nothing);
        expect(await panel.getByText('None is stored').count()).toBe(1);

        await upload(good);
        await dialog.waitFor({ state: 'detached' });
        const item = panel.getByRole('listitem').filter({ hasText: 'ui-shop' });
        await item.getByText('hello.localhost').waitFor();
        const first = await stored();
        expect(first).toContain('ui-shop');

        await panel.getByRole('button', { name: 'Upload certificate' }).click();
        await dialog.getByLabel('Name').fill('ui-shop');
        await refuses({ ...other, key: good.key }, /key/);
        await dialog.getByRole('button', { name: 'Cancel' }).click();
        await dialog.waitFor({ state: 'detached' });
        expect(await stored()).toBe(first);
        expect(await item.count()).toBe(1);

        await item.getByRole('button', { name: 'Delete' }).click();
        await item.getByRole('button', { name: 'Really delete ui-shop' }).click();
        await panel.getByText('None is stored').waitFor();
        expect(await stored()).toBe(nothing);
        expect(visitor.errors).toEqual([]);
      } finally {
        await visitor.close();
      }
    },
  );

  it('have certificates, from the command line, with keys for routers only', async () => {
    const { cert, key } = new CertificateAuthority(join(folder, 'ca')).issue('shop');

    const run = async (...args: readonly string[]): Promise<string> =>
      (await startPacer(api.url, ['certificates', ...args]).ended).out;

    const put = await run('put', 'shop', '--cert', cert, '--key', key);
    const list = await run('list');
    const whole = await api.send('GET', '/v2/certificates?embed=certificates.pem');

    expect(put).toContain('shop is stored: 127.0.0.1, localhost');
    expect(list).toContain('shop');
    expect(list).not.toContain('PRIVATE');
    expect(whole.text).toContain(readFileSync(cert, 'utf8').split('\n')[1]);
  });

  it('of a deleted app are drained first: no request fails while its tasks are there', async () => {
    await api.steady('/hello', 2);
    await eventually('it is served', async () => (await viaHost()).status === 200);
    const slow = request(`${cluster.edgeUrl}/slow`, { headers: { host: 'hello.localhost' } });

    await pause(100);
    await api.send('DELETE', '/v2/apps/hello');

    expect((await slow).status).toBe(200);
    await eventually('nothing is left of it', async () => {
      const { text } = await api.send('GET', '/v2/apps?embed=apps.leaving');
      return JSON.parse(text).apps.length === 0 && (await routes()).routes.length === 0;
    });
  });

  it('of an app without labels, on its service port, are drained first too', async () => {
    await api.send('POST', '/v2/apps', webApp('/plain', { instances: 2, extra: { labels: {} } }));
    await api.steady('/plain', 2);
    const { text } = await api.send('GET', '/v2/apps/plain');
    const { port } = (JSON.parse(text) as WirePlain).app.portDefinitions[0] ?? {};
    const url = `http://127.0.0.1:${port}`;
    await eventually('it is served', async () => (await request(url)).status === 200);
    const slow = [1, 2, 3, 4].map(() => request(`${url}/slow`));

    await pause(100);
    await api.send('DELETE', '/v2/apps/plain');

    expect((await Promise.all(slow)).map(({ status }) => status)).toEqual([200, 200, 200, 200]);
    await eventually('nothing is left of it', async () => {
      const left = await api.send('GET', '/v2/apps?embed=apps.leaving');
      return JSON.parse(left.text).apps.length === 0;
    });
  });
});
