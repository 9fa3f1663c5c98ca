import { describe, expect, it } from 'vitest';
import { type ControllerEvent, EventParser } from '../controller/controller-client.js';
import { affectedApps } from './affected-apps.js';

const event = (type: string, data: unknown): ControllerEvent => ({ id: 1, type, data });

describe('affectedApps', () => {
  it('names the app of task and instance events', () => {
    expect(affectedApps(event('status_update_event', { appId: '/a' }))).toEqual({
      kind: 'apps',
      ids: ['/a'],
    });
    expect(affectedApps(event('instance_changed_event', { runSpecId: '/b' }))).toEqual({
      kind: 'apps',
      ids: ['/b'],
    });
  });

  it('names every app of a plan once', () => {
    const plan = {
      steps: [{ actions: [{ app: '/a' }, { app: '/b' }] }, { actions: [{ app: '/a' }] }],
    };

    expect(affectedApps(event('deployment_info', { plan }))).toEqual({
      kind: 'apps',
      ids: ['/a', '/b'],
    });
  });

  it('takes an event it cannot read to affect everything', () => {
    expect(affectedApps(event('group_change_success', { groupId: '/' }))).toEqual({ kind: 'all' });
    expect(affectedApps(event('status_update_event', undefined))).toEqual({ kind: 'all' });
  });

  it('ignores events that change no route', () => {
    expect(affectedApps(event('event_stream_attached', {}))).toEqual({ kind: 'apps', ids: [] });
  });
});

describe('EventParser', () => {
  it('reads events whatever the chunks', () => {
    const text =
      ': hello\n\nid: 7\nevent: a\ndata: {"x":1}\n\nevent: b\r\ndata: {"y":\r\ndata: 2}\r\n\r\n';
    for (let size = 1; size < text.length; size += 1) {
      const seen: ControllerEvent[] = [];
      const parser = new EventParser((one) => seen.push(one));

      for (let at = 0; at < text.length; at += size) parser.push(text.slice(at, at + size));

      expect(seen).toEqual([
        { id: 7, type: 'a', data: { x: 1 } },
        { id: undefined, type: 'b', data: { y: 2 } },
      ]);
    }
  });
});
