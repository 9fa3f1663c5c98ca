import { keepPreviousData, type Query, type UseQueryResult, useQuery } from '@tanstack/react-query';
import { request, resourcePath } from './api-client.js';
import type {
  App,
  Deployment,
  Info,
  JsonObject,
  QueueEntry,
  SandboxFile,
  Why,
} from './api-types.js';
import { useConnection } from './connection-store.js';
import type { Certificate, Routes } from './route-types.js';

/** Routes drawn at once; a search finds the others. */
export const MAX_SHOWN_ROUTES = 200;
/** What moves without events. */
const LIVE_MS = 2_000;
/** Without the event stream the screen is this old at most. */
const POLL_MS = 5_000;
/** With it, reading again only corrects what an event failed to say. */
const RECONCILE_MS = 15_000;

/** What could not be read is tried again soon, as every error on the screen says. */
function retryInterval({ state }: Pick<Query, 'state'>): number | false {
  return state.status === 'error' ? POLL_MS : false;
}

function usePollInterval(): (query: Pick<Query, 'state'>) => number {
  const intervalMs = useConnection().stream === 'open' ? RECONCILE_MS : POLL_MS;
  return (query) => retryInterval(query) || intervalMs;
}

/** All apps with counts and deployments but without tasks: the list does not need them. */
export function useApps(): UseQueryResult<readonly App[]> {
  return useQuery({
    queryKey: ['apps'],
    queryFn: async ({ signal }) => {
      const query = { embed: ['apps.counts', 'apps.deployments'] };
      return (await request<{ apps: App[] }>('/v2/apps', { query, signal })).apps;
    },
    refetchInterval: usePollInterval(),
  });
}

export function useApp(id: string): UseQueryResult<App> {
  return useQuery({
    queryKey: ['app', id],
    queryFn: async ({ signal }) => {
      const embed = ['app.tasks', 'app.counts', 'app.deployments', 'app.lastTaskFailure'];
      const path = resourcePath('/v2/apps', id);
      return (await request<{ app: App }>(path, { query: { embed }, signal })).app;
    },
    refetchInterval: usePollInterval(),
  });
}

export function useVersions(id: string): UseQueryResult<readonly string[]> {
  return useQuery({
    queryKey: ['versions', id],
    queryFn: async ({ signal }) => {
      const path = `${resourcePath('/v2/apps', id)}/versions`;
      return (await request<{ versions: string[] }>(path, { signal })).versions;
    },
    refetchInterval: retryInterval,
  });
}

/** One version's definition; it never changes once it exists. */
export function useVersion(id: string, version: string | undefined): UseQueryResult<JsonObject> {
  return useQuery({
    queryKey: ['version', id, version],
    queryFn: ({ signal }) =>
      request<JsonObject>(
        `${resourcePath('/v2/apps', id)}/versions/${encodeURIComponent(version ?? '')}`,
        { signal },
      ),
    enabled: version !== undefined,
    staleTime: Number.POSITIVE_INFINITY,
    refetchInterval: retryInterval,
  });
}

export function useDeployments(): UseQueryResult<readonly Deployment[]> {
  return useQuery({
    queryKey: ['deployments'],
    queryFn: ({ signal }) => request<Deployment[]>('/v2/deployments', { signal }),
    refetchInterval: usePollInterval(),
  });
}

/** Refused offers cause no event, so the queue is polled even with the stream. */
export function useQueue(): UseQueryResult<readonly QueueEntry[]> {
  return useQuery({
    queryKey: ['queue'],
    queryFn: async ({ signal }) =>
      (await request<{ queue: QueueEntry[] }>('/v2/queue', { signal })).queue,
    refetchInterval: POLL_MS,
  });
}

/** Goes with the queue: what touches that touches this. */
export function useWhy(id: string): UseQueryResult<Why> {
  return useQuery({
    queryKey: ['queue', 'why', id],
    queryFn: ({ signal }) => request<Why>(`${resourcePath('/v2/apps', id)}/why`, { signal }),
    refetchInterval: POLL_MS,
  });
}

/** HAProxy's figures come with no event: they are read every two seconds while somebody looks. */
export function useRoutes(search: string): UseQueryResult<Routes> {
  return useQuery({
    queryKey: ['routes', search],
    queryFn: ({ signal }) =>
      request<Routes>('/v2/routes', {
        query: { limit: MAX_SHOWN_ROUTES, ...(search === '' ? {} : { search }) },
        signal,
      }),
    refetchInterval: LIVE_MS,
    // What was found before stays until the next answer.
    placeholderData: keepPreviousData,
  });
}

export function useCertificates(): UseQueryResult<readonly Certificate[]> {
  return useQuery({
    queryKey: ['certificates'],
    queryFn: async ({ signal }) =>
      (await request<{ certificates: Certificate[] }>('/v2/certificates', { signal })).certificates,
    refetchInterval: usePollInterval(),
  });
}

export function useInfo(): UseQueryResult<Info> {
  return useQuery({
    queryKey: ['info'],
    queryFn: ({ signal }) => request<Info>('/v2/info', { signal }),
    refetchInterval: retryInterval,
  });
}

/** The names of the files at the top of a task's sandbox. */
export function useSandboxFiles(taskId: string | undefined): UseQueryResult<readonly string[]> {
  return useQuery({
    queryKey: ['files', taskId],
    queryFn: async ({ signal }) => {
      const path = `${resourcePath('/v2/tasks', taskId ?? '')}/files/browse`;
      const files = await request<SandboxFile[]>(path, { query: { path: '' }, signal });
      return files
        .filter((file) => !(file.mode ?? '').startsWith('d'))
        .map((file) => file.path.slice(file.path.lastIndexOf('/') + 1));
    },
    enabled: taskId !== undefined,
    staleTime: 10_000,
  });
}
