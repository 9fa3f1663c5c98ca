import { expect, it } from 'vitest';
import { parseAppPath } from './app-path.js';

const TASK = 'shop_web.instance-564bd685-4c30-11e5-98c1-be5b2935a987._app.1';

it.each([
  ['shop/web', { kind: 'app', id: '/shop/web' }],
  ['//shop//web/', { kind: 'app', id: '/shop/web' }],
  ['shop/web/tasks', { kind: 'tasks', id: '/shop/web' }],
  [`shop/web/tasks/${TASK}`, { kind: 'task', id: '/shop/web', taskId: TASK }],
  ['shop/web/versions', { kind: 'versions', id: '/shop/web' }],
  [
    'shop/web/versions/2026-01-01T00:00:00.000Z',
    { kind: 'version', id: '/shop/web', version: '2026-01-01T00:00:00.000Z' },
  ],
  ['shop/web/restart', { kind: 'restart', id: '/shop/web' }],
  ['*', { kind: 'all-below', id: '/' }],
  ['shop/*', { kind: 'all-below', id: '/shop' }],
  ['shop/*/tasks', { kind: 'tasks-below', id: '/shop' }],
  ['tasks/web', { kind: 'app', id: '/tasks/web' }],
  ['shop/versions/web', { kind: 'app', id: '/shop/versions/web' }],
  ['tasks', { kind: 'app', id: '/tasks' }],
])('reads %s', (rest, expected) => {
  expect(parseAppPath(rest)).toEqual(expected);
});
