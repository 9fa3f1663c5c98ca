import type { Locator } from 'playwright-core';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { hasChromium, Visitor } from './support/browser.js';
import { Cluster } from './support/cluster.js';
import { eventually } from './support/http.js';

const SMALL = { cpus: 0.01, mem: 16 };
const FIRST_COMMAND = 'sleep 1000';
const failing = (message: string) => ({
  status: 500,
  contentType: 'application/json',
  body: JSON.stringify({ message }),
});

/** What the UI shows and does when answers are old, missing or bad, and when a key is pressed too soon. */
describe.runIf(hasChromium())('the UI in doubt', () => {
  const cluster = new Cluster();
  const { api } = cluster;
  const visitor = new Visitor(api.url);

  beforeAll(async () => {
    await Promise.all([cluster.start(), visitor.open()]);
    await create({ id: '/web', cmd: FIRST_COMMAND, ...SMALL });
    await api.steady('/web', 1);
  });
  afterEach(async ({ task }) => {
    if (task.result?.state === 'fail') await visitor.shoot(`failed-${task.name}`);
    await visitor.page.unrouteAll({ behavior: 'ignoreErrors' });
  });
  afterAll(async () => {
    await visitor.close();
    await cluster.destroy();
  });

  const go = (address: string) => visitor.page.goto(`/ui${address}`);
  const dialog = (name: string) => visitor.page.getByRole('dialog', { name, exact: true });
  const button = (name: string) => visitor.page.getByRole('button', { name, exact: true });
  const menuItem = (name: string) =>
    visitor.page.getByRole('menuitem', { name, exact: true }).click();
  const textbox = (name: string) => visitor.page.getByRole('textbox', { name, exact: true });
  const region = (name: string) => visitor.page.getByRole('region', { name, exact: true });
  const isGone = (locator: Locator) => locator.waitFor({ state: 'detached' });
  const create = async (app: Readonly<Record<string, unknown>>): Promise<void> => {
    expect((await api.send('POST', '/v2/apps', app)).status).toBe(201);
  };
  /** As another operator would. */
  const scaleElsewhere = async (id: string, instances: number): Promise<void> => {
    expect((await api.send('PUT', `/v2/apps${id}`, { instances })).status).toBe(200);
    await api.settled(id);
  };
  const focusIsOn = (locator: Locator) =>
    eventually('it has the focus', () =>
      locator.evaluate((element) => element === element.ownerDocument.activeElement),
    );
  const changedMeanwhile = () =>
    dialog('Edit /web').getByRole('alert').filter({ hasText: 'changed meanwhile' });

  it('edits an app as it is now, not as it was last shown', async () => {
    const { page } = visitor;
    await go('/apps/web');
    await button('Edit').waitFor();
    await page.getByRole('link', { name: 'Applications', exact: true }).first().click();
    await scaleElsewhere('/web', 2);
    let answer: () => void = () => undefined;
    const held = new Promise<void>((resolve) => {
      answer = resolve;
    });
    await page.route('**/v2/apps/web?*', async (route) => {
      await held;
      await route.continue();
    });

    await button('Actions for /web').click();
    await menuItem('Edit');
    await dialog('Edit /web').waitFor();
    await dialog('Edit /web').getByLabel('Loading /web').waitFor();
    expect(await textbox('Instances').count()).toBe(0);

    answer();
    await textbox('Instances').waitFor();
    expect(await textbox('Instances').inputValue()).toBe('2');
  });

  it('warns when the app changes under an edit, and loads the change when told to', async () => {
    const { page } = visitor;
    await textbox('Command').fill('sleep 2000');
    await scaleElsewhere('/web', 3);

    await changedMeanwhile().getByText('instances').waitFor();
    await visitor.shoot('edit-conflict');
    expect(await button('Deploy changes').isDisabled()).toBe(true);
    await page.keyboard.press('Control+Enter');
    await button('Load the new version').click();

    await isGone(changedMeanwhile());
    expect(await textbox('Instances').inputValue()).toBe('3');
    expect(await textbox('Command').inputValue()).toBe(FIRST_COMMAND);
    expect(await api.app('/web')).toMatchObject({ instances: 3, cmd: FIRST_COMMAND });
  });

  it('overwrites a change when told to', async () => {
    const { page } = visitor;
    await textbox('Command').fill('sleep 3000');
    await scaleElsewhere('/web', 1);
    await changedMeanwhile().waitFor();

    await button('Keep my edits').click();
    await isGone(changedMeanwhile());
    await button('Deploy changes').click();

    await page.waitForURL('**/ui/apps/web');
    expect(await api.app('/web')).toMatchObject({ instances: 3, cmd: 'sleep 3000' });
    await api.settled('/web');
  });

  it('looks again before it overwrites, also without the event stream', async () => {
    const { page } = visitor;
    await page.route('**/v2/events', (route) => route.abort());
    await go('/apps/web?modal=edit&app=/web');
    await textbox('Command').fill('sleep 4000');
    await scaleElsewhere('/web', 2);

    await page.keyboard.press('Control+Enter');

    await changedMeanwhile().waitFor();
    expect(await api.app('/web')).toMatchObject({ instances: 2, cmd: 'sleep 3000' });
  });

  it('does not say that nothing waits before it knows', async () => {
    const { page } = visitor;
    const why = region('Why it waits');
    const trouble = page.getByRole('status', { name: 'Not up to date' });
    let message: string | undefined;
    await page.route('**/v2/queue', async (route) => {
      if (message !== undefined) await route.fulfill(failing(message));
    });

    await go('/apps/web?tab=debug');
    await why.getByText('Reading the launch queue').waitFor();
    expect(await why.getByText('Nothing waits').count()).toBe(0);
    message = 'the queue is away';
    await page.reload();
    await why.getByRole('alert').getByText('the queue is away').waitFor();
    await trouble.getByText('the queue is away').waitFor();
    await visitor.shoot('queue-unknown');

    await page.unroute('**/v2/queue');
    await why.getByText('Nothing waits').waitFor();
    await isGone(trouble);
  });

  it('says that older versions or the progress of deployments cannot be read', async () => {
    const { page } = visitor;
    const versions = page.getByRole('alert').filter({ hasText: 'Older versions cannot be read' });
    await page.route('**/v2/apps/web/versions', (route) => route.fulfill(failing('no versions')));
    await page.route('**/v2/deployments', (route) => route.fulfill(failing('no deployments')));

    await go('/apps/web?tab=configuration');

    await versions.getByText('no versions').waitFor();
    await page.getByText('The progress of deployments cannot be read: no deployments').waitFor();
    await page.unrouteAll({ behavior: 'wait' });
    await isGone(versions);
    await isGone(page.getByText('The progress of deployments cannot be read'));
    // The message goes when the list is read again, before it is there.
    const options = page.getByRole('combobox', { name: 'Version' }).locator('option');
    await eventually('all versions can be chosen', async () => (await options.count()) === 6);
  });

  it('focuses the harmless button of whatever kills, and Escape gives the focus back', async () => {
    const { page } = visitor;
    await api.settled('/web');
    await go('/apps');
    for (const verb of ['Restart', 'Suspend', 'Destroy']) {
      await button('Actions for /web').click();
      await menuItem(verb);
      await focusIsOn(dialog(`${verb} /web`).getByRole('button', { name: 'Cancel' }));
      await page.keyboard.press('Enter');
      await isGone(dialog(`${verb} /web`));
      await focusIsOn(button('Actions for /web'));
    }
    const { version } = (await api.app('/web')) ?? {};
    await go('/apps/web');
    await page.getByRole('checkbox', { name: 'Select all instances' }).check();
    await button('Kill selected').click();
    await focusIsOn(dialog('Kill 2 instances').getByRole('button', { name: 'Cancel' }));
    await page.keyboard.press('Enter');
    await isGone(dialog('Kill 2 instances'));

    await create({ id: '/stuck', cmd: 'sleep 1', ...SMALL, constraints: [['a', 'CLUSTER', 'b']] });
    await go('/deployments');
    for (const [name, title] of [
      ['Roll back', 'Roll back this deployment'],
      ['Cancel deployment', 'Cancel this deployment'],
    ] as const) {
      await button(name).click();
      await focusIsOn(dialog(title).getByRole('button', { name: 'Keep deploying' }));
      await page.keyboard.press('Enter');
      await isGone(dialog(title));
    }
    expect(await api.deployments()).toHaveLength(1);
    expect(await api.app('/web')).toMatchObject({ version, instances: 2 });
    expect((await api.send('DELETE', '/v2/apps/stuck?force=true')).status).toBe(200);
  });

  it('asks for the name before it destroys a group with many instances', async () => {
    await create({ id: '/many/small', cmd: FIRST_COMMAND, ...SMALL, instances: 11 });
    await api.steady('/many/small', 11);
    await go('/group/many');
    await button('Group actions').click();
    await menuItem('Destroy group');
    const confirmation = dialog('Destroy /many');
    const destroy = confirmation.getByRole('button', { name: 'Destroy group' });

    await focusIsOn(textbox('Type /many to confirm'));
    expect(await destroy.isDisabled()).toBe(true);
    await textbox('Type /many to confirm').fill('/many');
    await destroy.click();

    await eventually('it is gone', async () => (await api.app('/many/small')) === undefined);
  });

  it('shows why an instance in its grace period is not healthy yet', async () => {
    const { page } = visitor;
    const result = { alive: false, consecutiveFailures: 0, lastFailureCause: 'connection refused' };
    await page.route('**/v2/apps/web?*', async (route) => {
      const response = await route.fetch();
      const { app } = (await response.json()) as { app: { tasks: readonly object[] } };
      const tasks = app.tasks.map((task) => ({ ...task, healthCheckResults: [result] }));
      await route.fulfill({ response, json: { app: { ...app, tasks } } });
    });

    await go('/apps/web');

    const cell = page.getByRole('cell').filter({ hasText: 'connection refused' }).first();
    await cell.getByText('Unknown', { exact: true }).waitFor();
    await page.getByText('2 unknown').waitFor();
    await visitor.shoot('grace-period');
  });

  it('shows the failure and the output of an app that has no instance left', async () => {
    const { page } = visitor;
    await create({ id: '/flaky', cmd: 'echo boom >&2; exit 3', ...SMALL, backoffSeconds: 300 });
    await go('/apps/flaky');

    await page.getByText(/Last failure: exited with \w+ 3/).waitFor();
    await visitor.shoot('failed-at-once');
    await page.getByRole('tab', { name: 'Logs' }).click();
    await page.getByRole('combobox', { name: 'File' }).selectOption('stderr');
    await page
      .getByRole('log', { name: /^stderr of flaky/ })
      .getByText('boom')
      .waitFor();
    expect((await api.send('DELETE', '/v2/apps/flaky?force=true')).status).toBe(200);
  });

  it('can be read in the dark when motion is unwanted', async () => {
    const { page } = visitor;
    await go('/apps');
    await page.emulateMedia({ colorScheme: 'dark' });
    await page.keyboard.press('?');
    const colourOf = (selector: string) =>
      page.evaluate(`getComputedStyle(document.querySelector('${selector}')).color`);
    await dialog('Keyboard shortcuts').getByText('Create an application').waitFor();

    expect(await colourOf('[role=dialog] dd')).toBe('rgb(218, 224, 232)');
    expect(await colourOf('body')).toBe('rgb(218, 224, 232)');
    await page.emulateMedia({ colorScheme: 'light' });
  });

  it('pages a list of hundreds of applications', async () => {
    const { page } = visitor;
    const apps = Array.from({ length: 230 }, (_, index) => ({
      id: `/service-${String(index).padStart(3, '0')}`,
      instances: 1,
      ...SMALL,
      tasksRunning: 1,
    }));
    await page.route('**/v2/apps?*', (route) => route.fulfill({ json: { apps } }));
    const rows = page.getByRole('table', { name: 'Applications' }).getByRole('row');

    await go('/apps');
    await page.getByText('230 applications').waitFor();
    expect(await rows.count()).toBe(101);
    await visitor.shoot('list-paged');
    await page.getByRole('button', { name: 'Page 3' }).click();

    await page.waitForURL('**page=3');
    await rows.filter({ hasText: 'service-229' }).waitFor();
    expect(await rows.count()).toBe(31);
  });

  it('did not fail in a script', () => {
    expect(visitor.errors).toEqual([]);
  });
});
