import type { Locator } from 'playwright-core';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { webApp, webServer } from './support/apps.js';
import { hasChromium, Visitor } from './support/browser.js';
import { Cluster, killQuietly } from './support/cluster.js';
import { eventually, request } from './support/http.js';

const TICKER = [
  'echo "the ticker complains" >&2',
  'n=0',
  'while :; do n=$((n+1)); echo "line $n"; sleep 0.2; done',
].join('\n');
const { healthChecks: HEALTH_CHECKS } = webApp('/any');
/** Id, instances and team of the apps on the pictures of the list. */
const SHOWN_APPS = [
  ['/blog', 2, 'web'],
  ['/checkout', 3, 'shop'],
  ['/mail/inbound', 1, 'mail'],
  ['/mail/outbound', 1, 'mail'],
  ['/shop/cart', 1, 'shop'],
  ['/shop/search', 2, 'shop'],
  ['/status', 1, 'web'],
] as const;
const PHONE = { width: 375, height: 740 };

/** One visit of the UI of a real cluster. Apps made by a test are used by those after it. */
describe.runIf(hasChromium())('the UI in a browser', () => {
  const cluster = new Cluster();
  const { api } = cluster;
  const visitor = new Visitor(api.url);

  beforeAll(async () => {
    await Promise.all([cluster.start(), visitor.open()]);
  });
  afterEach(async ({ task }) => {
    if (task.result?.state === 'fail') await visitor.shoot(`failed-${task.name}`);
  });
  afterAll(async () => {
    await visitor.close();
    await cluster.destroy();
  });

  const go = (address: string) => visitor.page.goto(`/ui${address}`);
  const dialog = (name: string) => visitor.page.getByRole('dialog', { name, exact: true });
  const button = (name: string) => visitor.page.getByRole('button', { name, exact: true });
  const tab = (name: string) => visitor.page.getByRole('tab', { name, exact: true });
  const textbox = (name: string) => visitor.page.getByRole('textbox', { name, exact: true });
  /** The row of an app in the list. */
  const row = (id: string) =>
    visitor.page
      .getByRole('table', { name: 'Applications' })
      .getByRole('row')
      .filter({ has: button(`Actions for ${id}`) });
  const healthBar = (id: string) => visitor.page.getByRole('img', { name: `Health of ${id}:` });
  const seesHealth = (id: string, sentence: string) =>
    visitor.page.getByRole('img', { name: `Health of ${id}: ${sentence}`, exact: true }).waitFor();
  /** The status beside the name on an app's page. */
  const seesStatus = (name: string, status: string) =>
    visitor.page
      .getByRole('heading', { level: 1, name, exact: true })
      .locator('..')
      .getByText(status, { exact: true })
      .waitFor();
  const isGone = (locator: Locator) => locator.waitFor({ state: 'detached' });
  const create = async (...apps: readonly Readonly<Record<string, unknown>>[]): Promise<void> => {
    for (const app of apps) expect((await api.send('POST', '/v2/apps', app)).status).toBe(201);
  };
  const scaleTo = async (count: number): Promise<void> => {
    await textbox('Instances').fill(String(count));
    await button(`Scale to ${count}`).click();
  };

  it('opens at an empty list that says how to begin, with the stream open', async () => {
    const { page } = visitor;

    await page.goto('/');

    await page.waitForURL('**/ui/apps');
    await page.getByRole('heading', { name: 'No applications yet' }).waitFor();
    await page.getByRole('status', { name: 'Connection' }).getByText('Live').waitFor();
  });

  it('creates an app from the six classic fields and shows it running without a reload', async () => {
    const { page, loads } = visitor;
    const uri = `${api.url}/ui/favicon.svg`;

    await button('Create application').click();
    await textbox('ID').fill('/ticker');
    await textbox('Command').fill(TICKER);
    await textbox('CPUs').fill('0.05');
    await textbox('Memory (MiB)').fill('32');
    await textbox('Instances').fill('1');
    await textbox('URIs').fill(uri);
    await visitor.shoot('create-form');
    await button('Create').click();

    await page.waitForURL('**/ui/apps/ticker');
    await seesStatus('ticker', 'Running');
    await seesHealth('/ticker', '1 unknown');
    expect(await api.app('/ticker')).toMatchObject({
      cmd: TICKER,
      cpus: 0.05,
      mem: 32,
      instances: 1,
      fetch: [{ uri }],
    });
    expect(visitor.loads).toBe(loads);
  });

  it('creates an app as JSON, keeping what the form does not know, and shows it healthy', async () => {
    const { page, loads } = visitor;
    const editor = textbox('App definition');
    const definition = async (): Promise<Record<string, unknown>> =>
      JSON.parse(await editor.inputValue()) as Record<string, unknown>;

    await page.keyboard.press('c');
    await textbox('ID').fill('/web');
    await textbox('Command').fill(webServer('v1'));
    await textbox('CPUs').fill('0.05');
    await tab('JSON').click();
    const typed = await definition();
    await editor.fill('{ "id": oops }');
    await tab('Form').click();
    await page.getByText('This is not JSON').waitFor();
    expect(await editor.inputValue()).toBe('{ "id": oops }');
    await editor.fill(
      JSON.stringify({ ...typed, healthChecks: HEALTH_CHECKS, labels: { tier: 'front' } }),
    );
    await tab('Form').click();
    await textbox('Memory (MiB)').fill('64');
    await tab('JSON').click();

    expect(await definition()).toEqual({
      id: '/web',
      cmd: webServer('v1'),
      cpus: 0.05,
      mem: 64,
      instances: 1,
      healthChecks: HEALTH_CHECKS,
      labels: { tier: 'front' },
    });
    await page.keyboard.press('Control+Enter');
    await page.waitForURL('**/ui/apps/web');
    await seesHealth('/web', '1 healthy');
    await seesStatus('web', 'Running');
    expect(await api.app('/web')).toMatchObject({ mem: 64, healthChecks: HEALTH_CHECKS });
    expect(visitor.loads).toBe(loads);
  });

  it('says what is wrong beside the field, and keeps what was typed', async () => {
    const { page } = visitor;
    await page.keyboard.press('c');

    await textbox('ID').fill('/Bad_Id');
    await textbox('CPUs').fill('some');
    await button('Create').click();
    await page.getByText('"Bad_Id" may only hold lowercase letters').waitFor();
    await page.getByText('"some" is not a number').waitFor();
    expect(await textbox('ID').getAttribute('aria-invalid')).toBe('true');
    expect(await textbox('ID').inputValue()).toBe('/Bad_Id');

    await textbox('ID').fill('/web');
    await textbox('CPUs').fill('0.1');
    await textbox('Command').fill('true');
    await button('Create').click();
    await page
      .getByText(/already exists/)
      .first()
      .waitFor();

    await tab('JSON').click();
    await textbox('App definition').fill('{ "id": "/other", "cmd": "true", "cpu": 1 }');
    await button('Create').click();
    await dialog('Create application').getByRole('alert').getByText('/cpu').waitFor();
    expect(await api.app('/other')).toBeUndefined();

    await page.keyboard.press('Escape');
    await isGone(dialog('Create application'));
  });

  it('scales with one control and shows the instances come', async () => {
    await go('/apps');
    await button('Scale /web, 1 of 1 running').click();
    await scaleTo(3);

    const seen = new Set<string>();
    await eventually('all three are healthy', async () => {
      const name = (await healthBar('/web').getAttribute('aria-label')) ?? '';
      seen.add(name);
      return name.endsWith(': 3 healthy');
    });
    await button('Scale /web, 3 of 3 running').waitFor();
    expect(seen.size).toBeGreaterThan(1);
  });

  it('shows what others change without a reload', async () => {
    const { loads } = visitor;

    expect((await api.send('PUT', '/v2/apps/web', { instances: 2 })).status).toBe(200);
    await button('Scale /web, 2 of 2 running').waitFor();
    await create({ id: '/outside', cmd: 'sleep 100', instances: 0 });
    await row('/outside').getByText('Suspended').waitFor();
    expect((await api.send('DELETE', '/v2/apps/outside')).status).toBe(200);
    await isGone(row('/outside'));

    expect(visitor.loads).toBe(loads);
  });

  it('lists the instances with address, state and health', async () => {
    const { page } = visitor;
    const tasks = await api.steady('/web', 2);

    await row('/web').getByRole('link', { name: 'web' }).click();

    for (const task of tasks) {
      const line = page
        .getByRole('table', { name: 'Instances' })
        .getByRole('row')
        .filter({ hasText: task.id });
      await line.getByRole('link', { name: `${task.host}:${task.ports[0]}` }).waitFor();
      await line.getByText('Running', { exact: true }).waitFor();
      await line.getByText('Healthy', { exact: true }).waitFor();
    }
    await visitor.shoot('app-page');
  });

  it('restarts every instance and shows the progress', async () => {
    const { page } = visitor;
    const before = (await api.tasks('/web')).map((task) => task.id);

    await button('Restart').click();
    const confirmation = dialog('Restart /web');
    await confirmation.getByText('Replaces 2 instances (2 healthy)').waitFor();
    await confirmation.getByRole('button', { name: 'Restart', exact: true }).click();

    await page.getByRole('progressbar', { name: /^Progress of deployment/ }).waitFor();
    await seesStatus('web', 'Deploying');
    await isGone(page.getByRole('progressbar'));
    await seesStatus('web', 'Running');
    await seesHealth('/web', '2 healthy');
    for (const id of before) await isGone(page.getByRole('row').filter({ hasText: id }));
    expect((await api.tasks('/web')).some((task) => before.includes(task.id))).toBe(false);
  });

  it('shows a bad upgrade step by step, asks before forcing, and rolls it back', async () => {
    const { page } = visitor;
    await button('Edit').click();
    await textbox('Command').fill('sleep 1000');
    await button('Deploy changes').click();
    await seesStatus('web', 'Deploying');

    await button('Scale').click();
    await scaleTo(4);
    const locked = dialog('Another deployment is in progress');
    await locked.getByText('(Scale /web to 4)').waitFor();
    await locked.getByRole('button', { name: 'Wait', exact: true }).click();
    await isGone(locked);

    await page.getByRole('link', { name: /^Deployments/ }).click();
    const card = page.getByRole('article', { name: /^Deployment / }).filter({ hasText: '/web' });
    await card.getByRole('progressbar').waitFor();
    await card.getByRole('list', { name: 'Steps' }).getByText('Restart /web').waitFor();
    await card.getByText('Waiting for').waitFor();
    await visitor.shoot('deployment');
    await card.getByRole('button', { name: 'Roll back' }).click();
    await dialog('Roll back this deployment').getByRole('button', { name: 'Roll back' }).click();

    await page.getByRole('heading', { name: 'Nothing is being deployed' }).waitFor();
    expect(await api.app('/web')).toMatchObject({ cmd: webServer('v1'), instances: 2 });
    await api.steady('/web', 2);
  });

  it('explains why an app waits, and forces its end when told to', async () => {
    const { page } = visitor;
    await create({
      id: '/stuck',
      cmd: 'sleep 100',
      cpus: 0.01,
      mem: 8,
      constraints: [['hostname', 'CLUSTER', 'nowhere.example']],
    });
    await go('/apps');
    await row('/stuck').getByText('Waiting', { exact: true }).waitFor();
    await row('/stuck').getByText('did not meet the constraints').waitFor();

    await row('/stuck').getByRole('link', { name: 'stuck' }).click();
    await tab('Debug').click();
    await page
      .getByRole('table', { name: 'Refused offers' })
      .getByText('UnfulfilledConstraint')
      .waitFor();
    await page
      .getByRole('region', { name: 'What would help' })
      .getByText('drop the constraint hostname CLUSTER nowhere.example')
      .waitFor();
    await visitor.shoot('waiting');
    await button('Destroy').click();
    await dialog('Destroy /stuck').getByRole('button', { name: 'Destroy', exact: true }).click();
    await dialog('Another deployment is in progress')
      .getByRole('button', { name: 'Force', exact: true })
      .click();

    await page.waitForURL('**/ui/apps');
    await isGone(row('/stuck'));
    await eventually('it is gone', async () => (await api.app('/stuck')) === undefined);
  });

  it('shows a failing command: delayed, its last failure, its stderr', async () => {
    const { page } = visitor;
    const cmd = 'echo boom >&2; exit 3';
    await create({ id: '/flaky', cmd, cpus: 0.01, mem: 16, backoffSeconds: 300 });
    await row('/flaky').getByText('Delayed', { exact: true }).waitFor();

    await row('/flaky').getByRole('link', { name: 'flaky' }).click();
    await tab('Debug').click();
    const failure = page.getByRole('region', { name: 'Last task failure' });
    await failure.getByText('Failed', { exact: true }).waitFor();
    await failure.getByText(/exited with \w+ 3$/).waitFor();
    await page
      .getByRole('region', { name: 'Why it waits' })
      .getByText(/Held back for/)
      .waitFor();
    await visitor.shoot('debug');
    const firstId = (await api.app('/flaky'))?.lastTaskFailure?.taskId ?? '';
    await failure.getByText(firstId).waitFor();
    await button('Reset delay').click();
    await isGone(failure.getByText(firstId));

    await failure.getByRole('link', { name: 'stderr' }).click();
    await page
      .getByRole('log', { name: /^stderr of flaky/ })
      .getByText('boom')
      .waitFor();
    expect((await api.send('DELETE', '/v2/apps/flaky?force=true')).status).toBe(200);
  });

  it('follows the output of an instance', async () => {
    const { page } = visitor;
    const [task] = await api.tasks('/ticker');
    await go('/apps/ticker');
    await page.getByRole('link', { name: task?.id ?? '' }).click();

    const stdout = page.getByRole('log', { name: `stdout of ${task?.id}` });
    await stdout.getByText(/line \d+/).waitFor();
    const lastLine = async (): Promise<number> =>
      Number(/line (\d+)\s*$/.exec((await stdout.textContent()) ?? '')?.[1] ?? 0);
    const before = await lastLine();
    await eventually('new lines arrive', async () => (await lastLine()) > before + 5);
    await page.getByText(/, following$/).waitFor();
    await visitor.shoot('logs');
    await textbox('Filter lines').fill('line 1');
    await eventually('only matching lines are left', async () =>
      ((await stdout.textContent()) ?? '')
        .trim()
        .split('\n')
        .every((line) => line.startsWith('line 1')),
    );
    await page.getByText('Follow', { exact: true }).click();
    await page.getByText(/, paused$/).waitFor();
    const download = await page.getByRole('link', { name: 'Download' }).getAttribute('href');
    expect((await request(`${api.url}${download}`)).text).toMatch(/^line 1\nline 2\n/);

    const file = page.getByRole('combobox', { name: 'File' });
    expect(await file.getByRole('option').allTextContents()).toContain('favicon.svg');
    await file.selectOption('stderr');
    await page
      .getByRole('log', { name: `stderr of ${task?.id}` })
      .getByText('the ticker complains')
      .waitFor();
  });

  it('kills an instance, which is replaced', async () => {
    const { page } = visitor;
    const [task] = await api.tasks('/ticker');
    const id = task?.id ?? '';
    await tab('Instances').click();

    await button(`Actions for ${id}`).click();
    await page.getByRole('menuitem', { name: 'Kill', exact: true }).click();
    const confirmation = dialog('Kill 1 instance');
    await confirmation.getByText('so replacements start').waitFor();
    await confirmation.getByLabel('At once').check();
    const sent = page.waitForRequest(/\/v2\/tasks\/delete\?.*force=true/);
    await confirmation.getByRole('button', { name: 'Kill', exact: true }).click();
    await sent;

    await isGone(page.getByRole('row').filter({ hasText: id }));
    await seesHealth('/ticker', '1 unknown');
    await seesStatus('ticker', 'Running');
  });

  it('suspends, resumes and destroys, saying what will be killed', async () => {
    const { page } = visitor;
    await go('/apps/web');

    await button('Suspend').click();
    await dialog('Suspend /web').getByText('Kills 2 instances (2 healthy)').waitFor();
    await dialog('Suspend /web').getByRole('button', { name: 'Suspend', exact: true }).click();
    await seesStatus('web', 'Suspended');
    expect(await api.tasks('/web')).toHaveLength(0);

    await button('Scale').click();
    await textbox('Instances').fill('1');
    await page.keyboard.press('Enter');
    await seesHealth('/web', '1 healthy');
    await seesStatus('web', 'Running');

    await button('Destroy').click();
    await dialog('Destroy /web').getByText('Kills 1 instance (1 healthy)').waitFor();
    await dialog('Destroy /web').getByRole('button', { name: 'Destroy', exact: true }).click();
    await page.waitForURL('**/ui/apps');
    await isGone(row('/web'));
    expect(await api.app('/web')).toBeUndefined();
  });

  it('shows a list of healthy apps in light and in dark', async () => {
    const { page } = visitor;
    const background = () =>
      page.evaluate('getComputedStyle(document.body).backgroundColor') as Promise<string>;
    await create(
      ...SHOWN_APPS.map(([id, instances, team]) =>
        webApp(id, { instances, extra: { labels: { team } } }),
      ),
      { id: '/docs.v2', cmd: 'sleep 100', instances: 0 },
    );
    await go('/apps');
    await seesHealth('/blog', '2 healthy');
    await seesHealth('/checkout', '3 healthy');
    await seesHealth('/status', '1 healthy');
    await seesHealth('/mail', '2 healthy');
    await seesHealth('/shop', '3 healthy');
    await isGone(page.getByText('in progress'));
    await isGone(page.getByText(/^\d+ Deploying$/));

    await button('Colour scheme: system').click();
    await page.mouse.move(600, 700);
    await visitor.shoot('list-light');
    expect(await background()).toBe('rgb(245, 247, 249)');
    await button('Colour scheme: light').click();
    await page.mouse.move(600, 700);
    await page.reload();
    await seesHealth('/blog', '2 healthy');
    await visitor.shoot('list-dark');
    expect(await background()).toBe('rgb(18, 24, 31)');
    await button('Colour scheme: dark').click();
    await button('Colour scheme: system').waitFor();
  });

  it('takes an older configuration back', async () => {
    const { page } = visitor;
    const definition = page.getByRole('region', { name: 'App definition' });
    await go('/apps/docs.v2?tab=configuration');
    await definition.getByText('"sleep 100"').waitFor();
    const env = { COLOUR: 'mauve' };
    expect((await api.send('PUT', '/v2/apps/docs.v2', { env })).status).toBe(200);
    await definition.getByText('"mauve"').waitFor();

    await page.getByRole('combobox', { name: 'Version' }).selectOption({ index: 1 });
    await isGone(definition.getByText('"mauve"'));
    await button('Apply this version').click();

    await button('Edit configuration').waitFor();
    await isGone(definition.getByText('"mauve"'));
    const app = await api.app('/docs.v2');
    expect([app?.cmd, app?.env ?? {}]).toEqual(['sleep 100', {}]);
  });

  it('destroys a group', async () => {
    const { page } = visitor;
    await go('/group/mail');

    await button('Group actions').click();
    await page.getByRole('menuitem', { name: 'Destroy group' }).click();
    const confirmation = dialog('Destroy /mail');
    await confirmation.getByText('Removes 2 applications').waitFor();
    await confirmation.getByRole('button', { name: 'Destroy group' }).click();

    await page.waitForURL('**/ui/apps');
    await isGone(page.getByRole('link', { name: 'mail', exact: true }));
    expect(await api.app('/mail/inbound')).toBeUndefined();
  });

  it('obeys the keyboard and shows where the focus is', async () => {
    const { page } = visitor;
    const focused = page.locator(':focus');
    await go('/apps');
    await row('/blog').waitFor();

    await page.keyboard.press('Tab');
    await page.keyboard.press('Tab');
    for (let stop = 0; stop < 5; stop += 1) {
      await page.keyboard.press('Tab');
      const outline = await page.evaluate('getComputedStyle(document.activeElement).outlineStyle');
      expect(outline, await focused.innerHTML()).toBe('solid');
    }
    await page.keyboard.press('c');
    await dialog('Create application').waitFor();
    await eventually(
      'the ID has the focus',
      async () => (await focused.getAttribute('placeholder')) === '/shop/web',
    );
    await page.keyboard.press('Escape');
    await isGone(dialog('Create application'));
    await page.keyboard.press('/');
    await page.keyboard.type('cart');
    await page.getByRole('link', { name: '/shop/cart', exact: true }).waitFor();
    await isGone(row('/blog'));
    await page.waitForURL('**/ui/apps?search=cart');
    await page.keyboard.press('Escape');
    await row('/blog').waitFor();
    await page.keyboard.press('?');
    await dialog('Keyboard shortcuts').waitFor();
    await page.keyboard.press('Escape');
    await isGone(dialog('Keyboard shortcuts'));
    await page.keyboard.press(',');
    await dialog('About this cluster').getByText('Framework id').waitFor();
    await visitor.shoot('about');
    await page.keyboard.press('Escape');
    await isGone(dialog('About this cluster'));
    await page.keyboard.press('g');
    await page.keyboard.press('d');
    await page.getByRole('heading', { name: 'Nothing is being deployed' }).waitFor();
  });

  it('opens at any address, also of ids with dots', async () => {
    const { page } = visitor;

    await go('/apps/shop/cart?tab=configuration');
    await page.reload();
    await page.getByRole('region', { name: 'App definition' }).getByText('"/shop/cart"').waitFor();
    await go('/apps/docs.v2');
    await seesStatus('docs.v2', 'Suspended');
    await go('/group/shop');
    await row('/shop/search').waitFor();
    await go('/apps/nobody');
    await page.getByRole('heading', { name: '/nobody does not exist' }).waitFor();
    expect((await api.get('/ui/assets/gone-1a2b3c.js')).status).toBe(404);
  });

  it('fits a phone', async () => {
    const { page } = visitor;
    const screens: readonly (readonly [name: string, address: string, sign: Locator])[] = [
      ['list', '/apps', row('/blog')],
      ['app', '/apps/blog', page.getByRole('table', { name: 'Instances' })],
      ['logs', '/apps/ticker?tab=logs', page.getByRole('log').getByText(/line \d+/)],
      ['debug', '/apps/blog?tab=debug', page.getByRole('region', { name: 'Last changes' })],
      ['create', '/apps?modal=create', textbox('Command')],
      ['deployments', '/deployments', page.getByText('Nothing is being deployed')],
    ];
    await visitor.atSize(PHONE.width, PHONE.height, async () => {
      for (const [name, address, sign] of screens) {
        await go(address);
        await sign.waitFor();
        await visitor.shoot(`phone-${name}`);
        const width = await page.evaluate('document.documentElement.scrollWidth');
        expect(width, name).toBeLessThanOrEqual(PHONE.width);
      }
    });
  });

  it('says that the connection is lost, and recovers by itself', async () => {
    const { page } = visitor;
    const connection = page.getByRole('status', { name: 'Connection' });
    const alert = page.getByRole('alert').filter({ hasText: 'Connection lost' });
    await go('/apps');
    await row('/blog').waitFor();
    await connection.getByText('Live').waitFor();
    const { loads } = visitor;

    killQuietly(cluster.pid('controller'));

    await alert.waitFor();
    await row('/blog').waitFor();
    await visitor.shoot('connection-lost');
    await connection.getByText('Live').waitFor();
    await isGone(alert);
    expect((await api.send('PUT', '/v2/apps/blog', { instances: 1 })).status).toBe(200);
    await button('Scale /blog, 1 of 1 running').waitFor();
    expect(visitor.loads).toBe(loads);
  });

  it('neither failed in a script nor asked anybody but the controller', () => {
    expect(visitor.errors).toEqual([]);
    expect(visitor.foreignRequests).toEqual([]);
  });
});
