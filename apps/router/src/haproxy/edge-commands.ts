import {
  type AppliedContents,
  type EdgeCommand,
  type EdgeContents,
  type EdgeMap,
  type EdgeServer,
  isChecked,
  ownOptions,
  toSocketAddress,
} from '#routing';

/** One word of a runtime API line: blanks, semicolons and backslashes would end or change it. */
export const toCliWord = (text: string): string => text.replace(/[\\ ;]/g, '\\$&');

/** What commands need to know besides themselves. */
export interface CommandContext {
  readonly mapFiles: Readonly<Record<EdgeMap, string>>;
  /** The words that all servers of a backend have. */
  readonly optionsOf: (backend: string) => readonly string[];
  readonly isSticky: (backend: string) => boolean;
}

/** A command that runtime API lines can say; a whole map is replaced by `replaceMap`. */
export type LineCommand = Exclude<EdgeCommand, { kind: 'replace-map' }>;

/** The runtime API lines of one planned command. */
export function toRuntimeLines(command: LineCommand, context: CommandContext): readonly string[] {
  switch (command.kind) {
    case 'add-server':
      return addServerLines(command.backend, command.server, context);
    case 'enable-server':
      return [`set server ${command.backend}/${command.server} state ready`];
    case 'disable-server':
      return [`set server ${command.backend}/${command.server} state maint`];
    case 'weight-server':
      return [`set server ${command.backend}/${command.server} weight ${command.weight}`];
    case 'check-port-server':
      return [`set server ${command.backend}/${command.server} check-port ${command.checkPort}`];
    case 'move-server': {
      const { name, address, port } = command.server;
      return [`set server ${command.backend}/${name} addr ${address} port ${port}`];
    }
    case 'delete-server':
      return [`del server ${command.backend}/${command.server}`];
    case 'add-entry':
    case 'set-entry': {
      const verb = command.kind === 'add-entry' ? 'add' : 'set';
      const file = toCliWord(context.mapFiles[command.map]);
      return [`${verb} map ${file} ${toCliWord(command.key)} ${toCliWord(command.value)}`];
    }
    case 'delete-entry':
      return [`del map ${toCliWord(context.mapFiles[command.map])} ${toCliWord(command.key)}`];
    default:
      return command satisfies never;
  }
}

/** It is added in maintenance, and takes nothing from the backend's defaults. */
function addServerLines(
  backend: string,
  server: EdgeServer,
  context: CommandContext,
): readonly string[] {
  const id = `${backend}/${server.name}`;
  const options = context.optionsOf(backend);
  const words = [...options, ...ownOptions(server)];
  const address = toSocketAddress(server.address, server.port);
  return [
    ['add', 'server', id, address, ...words.map(toCliWord)].join(' '),
    ...(isChecked(options) ? [`enable health ${id}`] : []),
    // A server added at run time has no cookie until the key is applied anew.
    ...(context.isSticky(backend) ? [`enable dynamic-cookie backend ${backend}`] : []),
    ...(server.state === 'ready' ? [`set server ${id} state ready`] : []),
  ];
}

const EXPECTED_REPLIES: ReadonlySet<string> = new Set([
  '',
  'New server registered.',
  'Server deleted.',
  'health check port updated.',
]);

/** Whether a reply is what success says. A refused deletion is expected while connections are left. */
export const isSuccess = (reply: string): boolean =>
  EXPECTED_REPLIES.has(reply) ||
  reply.includes(' changed from ') ||
  reply.startsWith('no need to change');

/**
 * What HAProxy has after commands towards `wanted`: all of it, but for what they could not do. What was reached is
 * the same object as in `wanted`, so that the next comparison is short.
 */
export function contentsAfter(
  applied: AppliedContents,
  wanted: EdgeContents,
  refused: readonly EdgeCommand[],
): AppliedContents {
  const kept = refused.flatMap((command) => (command.kind === 'delete-server' ? [command] : []));
  const servers = new Map([...applied.servers, ...wanted.servers]);
  for (const { backend, server } of kept) {
    const left = applied.servers.get(backend)?.get(server);
    if (left === undefined) continue;
    const list = new Map(servers.get(backend));
    servers.set(backend, list.set(server, { ...left, state: 'maint' }));
  }
  const maps = Object.keys(applied.maps).map((map) => [map, wanted.maps[map as EdgeMap]]);
  return { servers, maps: Object.fromEntries(maps) };
}
