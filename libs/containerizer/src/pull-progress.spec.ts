import { expect, it } from 'vitest';
import { trackPull } from './pull-progress.js';

const MIB = 1024 * 1024;

it('counts layers and bytes as the engine tells of them', () => {
  const pull = trackPull('shop/web:2');
  const seen = [pull.describe()];
  const take = (id: string, status: string, current?: number, total?: number): void => {
    const detail = current === undefined ? {} : { progressDetail: { current, total: total ?? 0 } };
    pull.take({ id, status, ...detail });
    seen.push(pull.describe());
  };

  pull.take({ status: 'Pulling from shop/web', id: '2' });
  take('a', 'Already exists');
  take('b', 'Pulling fs layer');
  take('b', 'Downloading', 5 * MIB, 40 * MIB);
  take('b', 'Extracting', 1, 2);
  take('b', 'Pull complete');
  pull.take({ status: 'Digest: sha256:12' });

  const name = 'pulling shop/web:2';
  expect(seen).toEqual([
    name,
    `${name}: 1 of 1 layers`,
    `${name}: 1 of 2 layers`,
    `${name}: 1 of 2 layers, 5.0 of 40 MiB`,
    `${name}: 1 of 2 layers, 40 of 40 MiB`,
    `${name}: 2 of 2 layers, 40 of 40 MiB`,
  ]);
});
