import { useQueryClient } from '@tanstack/react-query';
import { createContext, type ReactNode, useCallback, useContext, useMemo, useState } from 'react';
import { LockedDialog } from '../app-actions/locked-dialog.js';
import { useToasts } from '../shell/toasts.js';
import { ApiError, describeError } from './api-error.js';
import type { ChangeResult } from './api-types.js';
import { invalidate } from './live-updates.js';

export interface Change {
  /** `Scale /web to 3`; used in messages. */
  readonly label: string;
  readonly send: (options: { force: boolean }) => Promise<ChangeResult>;
  /** Takes over what is not a lock; without it a toast tells. */
  readonly onError?: (error: unknown) => void;
}

export type RunChange = (change: Change) => Promise<boolean>;

interface LockedChange {
  readonly change: Change;
  readonly error: ApiError;
  readonly resolve: (isDone: boolean) => void;
}

const ChangesContext = createContext<RunChange>(async () => false);

/** Sends a change; asks before forcing when a deployment holds the lock. Resolves to whether it was made. */
export function useRunChange(): RunChange {
  return useContext(ChangesContext);
}

export function ChangesProvider({ children }: { readonly children: ReactNode }) {
  const client = useQueryClient();
  const toasts = useToasts();
  const [locked, setLocked] = useState<LockedChange>();

  const attempt = useCallback(
    async (change: Change, force: boolean): Promise<boolean> => {
      try {
        await change.send({ force });
        toasts.show({ tone: 'good', text: `${change.label}: accepted` });
        void invalidate(client, ['apps', 'app', 'versions', 'deployments', 'queue']);
        return true;
      } catch (error) {
        if (error instanceof ApiError && error.isLocked && !force) {
          return new Promise((resolve) => setLocked({ change, error, resolve }));
        }
        if (change.onError) {
          change.onError(error);
        } else {
          toasts.show({ tone: 'bad', text: `${change.label}: ${describeError(error)}` });
        }
        return false;
      }
    },
    [client, toasts],
  );
  const run = useMemo<RunChange>(() => (change) => attempt(change, false), [attempt]);

  const answerLock = (force: boolean) => {
    if (!locked) {
      return;
    }
    setLocked(undefined);
    if (force) {
      void attempt(locked.change, true).then(locked.resolve);
    } else {
      locked.resolve(false);
    }
  };

  return (
    <ChangesContext value={run}>
      {children}
      {locked && (
        <LockedDialog label={locked.change.label} error={locked.error} onAnswer={answerLock} />
      )}
    </ChangesContext>
  );
}
