import { NO_MAINTENANCE, type RegistrySnapshot } from '#core';

/** What the registry of a cluster holds in which nothing happened yet. */
export const EMPTY_REGISTRY: RegistrySnapshot = {
  masterId: 'M',
  agents: [],
  activations: new Map(),
  frameworks: [],
  weights: new Map(),
  quotas: [],
  maintenance: NO_MAINTENANCE,
};
