import type {
  Certificate,
  EdgeRoute,
  RouteInstance,
  RouteProblem,
  RouterStanding,
  Traffic,
} from '../api/route-types.js';
import { plural } from '../format/quantities.js';

const DAY_MS = 86_400_000;
/** A certificate that ends sooner is marked. */
const SOON_DAYS = 14;

/** Where clients find it: `shop.example/api`, or the port alone. */
export function addressesOf({ vhosts, paths, listenPort }: EdgeRoute): readonly string[] {
  const suffixes = paths.length === 0 ? [''] : paths;
  const hosts = vhosts.flatMap((host) => suffixes.map((path) => `${host}${path}`));
  if (hosts.length > 0) return hosts;
  return listenPort === undefined ? [] : [`port ${listenPort}`];
}

/** `3 ready, 1 draining, 1 outside`. */
export function instanceSentence({ instances, outside }: EdgeRoute): string {
  const ready = instances.filter(({ state }) => state === 'ready').length;
  const draining = instances.length - ready;
  return [
    `${ready} ready`,
    ...(draining > 0 ? [`${draining} draining`] : []),
    ...(outside.length > 0 ? [`${outside.length} outside`] : []),
  ].join(', ');
}

/** Nobody answers; or some router sees otherwise than the controller; or all is well. */
export function routeTone({ instances }: EdgeRoute): 'bad' | 'warn' | 'good' {
  if (!instances.some(({ state }) => state === 'ready')) return 'bad';
  return instances.some(({ disagree = [] }) => disagree.length > 0) ? 'warn' : 'good';
}

/** What routers say otherwise: `edge-1 says down`. */
export const disagreement = ({ disagree = [] }: RouteInstance): string =>
  disagree.map(({ router, state }) => `${router} says ${state}`).join(', ');

export const formatRate = (perSecond: number | undefined): string =>
  perSecond === undefined
    ? '—'
    : String(perSecond >= 10 ? Math.round(perSecond) : Math.round(perSecond * 10) / 10);

export const formatMs = (ms: number | undefined): string =>
  ms === undefined ? '—' : `${ms >= 10 ? Math.round(ms) : Math.round(ms * 10) / 10} ms`;

/** Answers of 5xx and connections that failed. */
export function formatErrors(traffic: Traffic | undefined): string {
  const { errors5xx, errorsConnect } = traffic ?? {};
  if (errors5xx === undefined && errorsConnect === undefined) return '—';
  return String((errors5xx ?? 0) + (errorsConnect ?? 0));
}

/** How far a router is, in words. */
export function standingWords({ isRecent, behindEvents, behindSeconds }: RouterStanding): string {
  if (!isRecent) return 'silent';
  if (behindEvents === 0) return 'up to date';
  const events = `${plural(behindEvents, 'event')} behind`;
  return behindSeconds === undefined ? events : `${events}, ${behindSeconds} s`;
}

const PROBLEM_WORDS: Readonly<Record<string, string>> = {
  conflict: 'Conflict',
  label: 'Label',
  'left-out': 'Not served',
  unsupported: 'Not supported',
  router: 'Router',
  behind: 'Router behind',
};

export const problemWords = ({ kind }: RouteProblem): string => PROBLEM_WORDS[kind] ?? kind;

/** When a certificate ends, in words; `tone` says how much that matters. */
export function expiryOf(
  { notAfter }: Certificate,
  nowMs: number,
): { readonly tone: 'good' | 'warn' | 'bad'; readonly text: string } {
  const leftMs = Date.parse(notAfter) - nowMs;
  const days = Math.floor(Math.abs(leftMs) / DAY_MS);
  if (leftMs <= 0) return { tone: 'bad', text: `expired ${plural(days, 'day')} ago` };
  const text = days === 0 ? 'expires today' : `expires in ${plural(days, 'day')}`;
  return { tone: days < SOON_DAYS ? 'warn' : 'good', text };
}
