import { useSyncExternalStore } from 'react';
import type { Connection, ConnectionEvent } from './connection.js';
import { NEW_CONNECTION, reduceConnection } from './connection.js';

let current: Connection = NEW_CONNECTION;
const listeners = new Set<() => void>();

export function noteConnection(event: ConnectionEvent): void {
  const next = reduceConnection(current, event, Date.now());
  if (next === current) {
    return;
  }
  current = next;
  for (const listener of listeners) {
    listener();
  }
}

export function useConnection(): Connection {
  return useSyncExternalStore(subscribe, () => current);
}

function subscribe(listener: () => void): () => void {
  listeners.add(listener);
  return () => listeners.delete(listener);
}
