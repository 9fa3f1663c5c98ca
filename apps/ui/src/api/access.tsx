import { useQuery } from '@tanstack/react-query';
import type { ReactNode } from 'react';
import { request } from './api-client.js';
import { ApiError } from './api-error.js';

export interface Access {
  readonly principal: string | null;
  readonly role: string;
}

/** A role may be changed while the page is open. */
const REREAD_MS = 60_000;
const RETRY_MS = 5_000;

/** Who is reading this page; a server that does not tell lets everybody do everything. */
async function readAccess(signal: AbortSignal): Promise<Access> {
  try {
    return await request<Access>('/v2/access', { signal });
  } catch (error) {
    if (error instanceof ApiError && error.status === 404) {
      return { principal: null, role: 'full' };
    }
    throw error;
  }
}

function useAccess(): Access | undefined {
  return useQuery({
    queryKey: ['access'],
    queryFn: ({ signal }) => readAccess(signal),
    refetchInterval: ({ state }) => (state.status === 'error' ? RETRY_MS : REREAD_MS),
  }).data;
}

/** Until it is known, changes are offered: the server decides, and says why it refuses one. */
export function useMayChange(): boolean {
  return useAccess()?.role !== 'read';
}

/** What changes something, for those who may. */
export function MayChange({ children }: { readonly children: ReactNode }) {
  return useMayChange() ? children : null;
}

/** Says why there is nothing to change things with. */
export function ReadOnlyMark() {
  const access = useAccess();
  if (access?.role !== 'read') {
    return null;
  }
  return (
    <span className="pc-badge" role="status" aria-label="Access">
      Read only{access.principal ? `: ${access.principal}` : ''}
    </span>
  );
}
