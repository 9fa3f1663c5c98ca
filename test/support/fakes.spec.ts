import { controllerStoreContract } from './controller-store.contract.js';
import { FakeControllerStore } from './fake-controller-store.js';
import { FakeLeaseKeeper } from './fake-lease-keeper.js';
import { FakeMasterRegistry } from './fake-master-registry.js';
import { leaseKeeperContract } from './lease-keeper.contract.js';
import { masterRegistryContract } from './master-registry.contract.js';

function prepareLeases() {
  let monoMs = 0;
  const keeper = new FakeLeaseKeeper(() => ({ epochMs: monoMs, monoMs }));
  const expire = async () => {
    monoMs += 10_000;
  };
  return { keeper, expire };
}

async function prepareHeld(scope: 'controller' | 'master') {
  const { keeper, expire } = prepareLeases();
  const held = await keeper.acquire({ scope, holder: 'one', url: '' });
  if (held.kind !== 'held') throw new Error('the lease of an empty keeper must be free');
  const depose = async () => {
    await expire();
    await keeper.acquire({ scope, holder: 'two', url: '' });
  };
  return { keeper, lease: held.lease, depose };
}

leaseKeeperContract('in memory', async () => prepareLeases());

masterRegistryContract('in memory', async () => {
  const { keeper, lease, depose } = await prepareHeld('master');
  return { registry: new FakeMasterRegistry(keeper), lease, depose };
});

controllerStoreContract('in memory', async () => {
  const { keeper, lease, depose } = await prepareHeld('controller');
  const store = new FakeControllerStore(keeper);
  return {
    store,
    lease,
    depose,
    breakCommit: async (changes) => {
      const { finish } = store.breakNextCommit();
      await store.commit(lease, changes).catch(() => undefined);
      return { finish: async () => finish() };
    },
  };
});
