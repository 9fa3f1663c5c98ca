import { describe, expect, it } from 'vitest';
import type { AgentCall, AgentUpdate } from '#mesos-v1';
import { UpdateBatches } from './update-batches.js';

const update = (task: string): AgentUpdate => ({
  framework_id: { value: 'f' },
  status: { task_id: { value: task }, state: 'TASK_RUNNING' },
  latest_state: 'TASK_RUNNING',
});
const head = { agent_id: { value: 'a' }, stream_id: 's' };
const turn = () => new Promise<void>((resolve) => setImmediate(resolve));

/** Posts that stay open until they are settled by hand. */
function openPosts() {
  const posts: { readonly call: AgentCall; settle: (error?: Error) => void }[] = [];
  const batches = new UpdateBatches(
    head,
    (call) =>
      new Promise<void>((resolve, reject) => {
        posts.push({ call, settle: (error) => (error === undefined ? resolve() : reject(error)) });
      }),
  );
  return { posts, batches };
}

describe('updates of one stream', () => {
  it('travel together when made in one turn, in their order', async () => {
    const { posts, batches } = openPosts();
    const sent = ['t1', 't2', 't3'].map((task) => batches.add(update(task)));

    await turn();
    posts[0]?.settle();
    await Promise.all(sent);

    expect(posts.map(({ call }) => call)).toEqual([
      { type: 'UPDATES', ...head, updates: [update('t1'), update('t2'), update('t3')] },
    ]);
  });

  it('go alone as an UPDATE', async () => {
    const { posts, batches } = openPosts();
    const sent = batches.add(update('t1'));

    await turn();
    posts[0]?.settle();
    await sent;

    expect(posts.map(({ call }) => call)).toEqual([
      { type: 'UPDATE', ...head, update: update('t1') },
    ]);
  });

  it('wait while two calls are under way, and then go in one', async () => {
    const { posts, batches } = openPosts();
    for (const task of ['t1', 't2', 't3', 't4']) {
      void batches.add(update(task));
      await turn();
    }
    expect(posts).toHaveLength(2);

    posts[1]?.settle();
    await turn();
    await turn();

    expect(posts[2]?.call).toMatchObject({ updates: [update('t3'), update('t4')] });
  });

  it('all fail when their call does, and later ones go on', async () => {
    const { posts, batches } = openPosts();
    const failures = ['t1', 't2'].map((task) =>
      batches.add(update(task)).catch((error: Error) => error.message),
    );
    await turn();

    posts[0]?.settle(new Error('the master answered UPDATES with 503'));
    const later = batches.add(update('t3'));
    await turn();
    await turn();
    posts[1]?.settle();

    expect(await Promise.all(failures)).toEqual([
      'the master answered UPDATES with 503',
      'the master answered UPDATES with 503',
    ]);
    await expect(later).resolves.toBeUndefined();
  });
});
