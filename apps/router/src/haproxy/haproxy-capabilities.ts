import { parse, sections } from 'haproxy-config-parser';
import { DEFAULT_BINARY, runHaproxy } from './haproxy-command.js';
import { readMaxOpenFiles } from './process-facts.js';

/** What the installed HAProxy can do, as it says itself. */
export interface HaproxyCapabilities {
  /** As printed: `2.6.12-1+deb12u4`; undefined: it says none. */
  readonly version: string | undefined;
  /** Major, minor, patch; zeros while the version is not known. */
  readonly versionNumber: readonly [number, number, number];
  /** What it was built with: OPENSSL, QUIC, LUA, PROMEX... */
  readonly features: ReadonlySet<string>;
  /** Runtime API commands of the worker and the master: `add server`, `commit ssl cert`... */
  readonly commands: ReadonlySet<string>;
  /** Words a `server` line may have. */
  readonly serverKeywords: ReadonlySet<string>;
  /** Words that `add server` takes: those of a server line less those it refuses. */
  readonly addServerKeywords: ReadonlySet<string>;
  /** `wait SECONDS srv-removable` (3.1): deletion of a server can be waited for. */
  readonly hasWaitCommand: boolean;
  /** The master tells whether the new worker came up (2.7). */
  readonly hasReloadVerdict: boolean;
  /** Certificates can be changed while it runs. */
  readonly hasRuntimeCertificates: boolean;
  /** Limit of open files HAProxy starts with; undefined: none, or not known. */
  readonly maxOpenFiles: number | undefined;
}

/** What `haproxy` printed, per question. */
export interface HaproxyAnswers {
  /** Of `haproxy -vv`, whose first line is that of `-v`. */
  readonly build: string;
  /** Of `haproxy -dKall -q -c -f /dev/null`. */
  readonly keywords: string;
  readonly maxOpenFiles: number | undefined;
}

/**
 * Refused by `add server` although a `server` line takes them (MEASURED with 2.6, 3.0 and 3.2), which HAProxy tells only whoever adds a
 * server: what needs a resolver, a namespace or the whole configuration.
 */
const NOT_AT_RUN_TIME: ReadonlySet<string> = new Set([
  // Early ones take it, by a mistake that was mended.
  'enabled',
  'init-addr',
  'log-bufsize',
  'log-proto',
  'max-reuse',
  'namespace',
  'no-agent-check',
  'no-check',
  'no-check-reuse-pool',
  'no-check-send-proxy',
  'no-check-ssl',
  'no-send-proxy-v2-ssl',
  'no-send-proxy-v2-ssl-cn',
  'no-ssl',
  'non-stick',
  'redir',
  'resolve-net',
  'resolve-opts',
  'resolve-prefer',
  'resolvers',
  'socks4',
  'ssl-reuse',
  'stick',
  'tcp-ut',
]);
/** Taken by `add server` since 3.0. */
const AT_RUN_TIME_LATER: ReadonlySet<string> = new Set(['cookie', 'shard']);
const AT_RUN_TIME_SINCE = [3, 0] as const;

/** Asks the installed HAProxy. Rejects when there is none. */
export async function probeCapabilities(binary = DEFAULT_BINARY): Promise<HaproxyCapabilities> {
  const [build, keywords] = await Promise.all([
    runHaproxy(binary, ['-vv']),
    runHaproxy(binary, ['-dKall', '-q', '-c', '-f', '/dev/null']),
  ]);
  // Started by us, it inherits our limit.
  return readCapabilities({ build, keywords, maxOpenFiles: readMaxOpenFiles('self') });
}

export function readCapabilities(answers: HaproxyAnswers): HaproxyCapabilities {
  const { build, keywords, maxOpenFiles } = answers;
  const version = /^HA-?Proxy version (\S+)/m.exec(build)?.[1];
  const [, major, minor, patch] = /^(\d+)\.(\d+)(?:\.(\d+))?/.exec(version ?? '') ?? [];
  const featureLine = /^Feature list :(.*)$/m.exec(build)?.[1] ?? '';
  const classes = readKeywordClasses(keywords);
  const commands = new Set(
    (classes.get('CLI') ?? []).map((line) => line.replace(/(?:\s*\[\w+\])+\s*$/, '').trim()),
  );
  const serverKeywords = new Set(
    (classes.get('configuration') ?? []).flatMap((line) => {
      const keyword = /^\s*server <name> <addr> (\S+)/.exec(line)?.[1];
      return keyword === undefined ? [] : [keyword];
    }),
  );
  const versionNumber = [Number(major ?? 0), Number(minor ?? 0), Number(patch ?? 0)] as const;
  return {
    version,
    versionNumber,
    features: new Set([...featureLine.matchAll(/\+(\S+)/g)].map(([, name = '']) => name)),
    commands,
    serverKeywords,
    addServerKeywords: new Set(
      [...serverKeywords].filter(
        (word) =>
          !NOT_AT_RUN_TIME.has(word) &&
          (!AT_RUN_TIME_LATER.has(word) || isAtLeast(versionNumber, AT_RUN_TIME_SINCE)),
      ),
    ),
    hasWaitCommand: commands.has('wait'),
    hasReloadVerdict: isAtLeast(versionNumber, [2, 7]),
    hasRuntimeCertificates: ['new', 'set', 'commit', 'del'].every((verb) =>
      commands.has(`${verb} ssl cert`),
    ),
    maxOpenFiles,
  };
}

const isAtLeast = (
  [major, minor]: readonly [number, number, number],
  [minMajor, minMinor]: readonly [number, number],
): boolean => major > minMajor || (major === minMajor && minor >= minMinor);

/** `# List of registered CLI keywords:` and the lines below it, by the first word of the class. */
function readKeywordClasses(text: string): ReadonlyMap<string, readonly string[]> {
  const classes = new Map<string, string[]>();
  let lines: string[] = [];
  for (const line of text.split('\n')) {
    const name = /^# List of registered (\w+) /.exec(line)?.[1];
    if (name !== undefined) {
      lines = [];
      classes.set(name, lines);
    } else if (line.trim() !== '' && !line.startsWith('#')) lines.push(line);
  }
  return classes;
}

/** For listeners, checks, pipes, the sockets to master and clients of the runtime API. */
const RESERVED_FILES = 200;
const FILES_PER_CONNECTION = 2;

/**
 * The largest global `maxconn` HAProxy starts with under a limit of open files: each connection takes two. `haproxy -c`
 * accepts more, and the start then fails. Undefined: there is no limit.
 */
export function maxConnectionsWithin(maxOpenFiles: number | undefined): number | undefined {
  if (maxOpenFiles === undefined) return undefined;
  return Math.max(1, Math.floor((maxOpenFiles - RESERVED_FILES) / FILES_PER_CONNECTION));
}

/** Why a configuration would not start for want of open files, which `haproxy -c` does not see; undefined: it would. */
export function explainTooManyConnections(
  config: string,
  maxOpenFiles: number | undefined,
): string | undefined {
  const limit = maxConnectionsWithin(maxOpenFiles);
  if (limit === undefined) return undefined;
  // A configuration of many apps is long, and hardly any has so many.
  const numbers = [...config.matchAll(/^\s*maxconn\s+(\d+)/gm)].map(([, count]) => Number(count));
  if (!numbers.some((count) => count > limit)) return undefined;
  const statements = sections(parse(config))
    .filter(({ kind }) => kind === 'global')
    .flatMap((section) => section.statements);
  const isLenient = statements.some(
    ({ modifier, words }) => modifier === 'no' && words[0] === 'strict-limits',
  );
  const wanted = statements.findLast(({ words }) => words[0] === 'maxconn')?.words[1];
  if (isLenient || wanted === undefined || !(Number(wanted) > limit)) return undefined;
  return `global maxconn ${wanted} needs ${Number(wanted) * FILES_PER_CONNECTION + RESERVED_FILES} open files and the limit is ${maxOpenFiles}: HAProxy would not start; lower it to ${limit} or raise the limit (ulimit -n, LimitNOFILE)`;
}

/** For the status of the router. */
export const describeCapabilities = (
  capabilities: HaproxyCapabilities,
): Readonly<Record<string, unknown>> => ({
  version: capabilities.version ?? null,
  features: [...capabilities.features].sort(),
  addServerKeywords: [...capabilities.addServerKeywords].sort(),
  hasWaitCommand: capabilities.hasWaitCommand,
  hasReloadVerdict: capabilities.hasReloadVerdict,
  hasRuntimeCertificates: capabilities.hasRuntimeCertificates,
  maxOpenFiles: capabilities.maxOpenFiles ?? null,
  maxConnections: maxConnectionsWithin(capabilities.maxOpenFiles) ?? null,
});
