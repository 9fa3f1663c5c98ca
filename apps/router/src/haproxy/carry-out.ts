import type { Logger } from '#platform';
import { type EdgeCommand, type EdgeModel, type Route, serverOptions } from '#routing';
import {
  type CommandContext,
  isSuccess,
  type LineCommand,
  toRuntimeLines,
} from './edge-commands.js';
import type { EdgeFiles } from './edge-files.js';
import { replaceMap } from './replace-map.js';
import { runCommands } from './runtime-socket.js';

/** What carrying commands out needs. */
export interface CommandTarget {
  /** Admin socket of the current worker. */
  readonly socket: string;
  readonly context: CommandContext;
  readonly logger: Pick<Logger, 'warn'>;
}

/** What is sent together: lines, or a map that is replaced as a whole. */
type Batch =
  | { readonly kind: 'lines'; readonly commands: readonly LineCommand[] }
  | {
      readonly kind: 'replace-map';
      readonly command: Extract<EdgeCommand, { kind: 'replace-map' }>;
    };

/** Sends commands in their order. Gives back those that HAProxy did not carry out. Rejects with RuntimeApiError. */
export async function carryOut(
  commands: readonly EdgeCommand[],
  target: CommandTarget,
): Promise<readonly EdgeCommand[]> {
  const refused: EdgeCommand[] = [];
  for (const batch of toBatches(commands)) {
    if (batch.kind === 'lines') refused.push(...(await sendLines(batch.commands, target)));
    else {
      const { map, entries } = batch.command;
      await replaceMap(target.socket, target.context.mapFiles[map], entries);
    }
  }
  return refused;
}

/** What commands for a HAProxy that runs with the structure of `model` need to know. */
export function contextOf(
  { structure }: Pick<EdgeModel, 'structure'>,
  { maps }: Pick<EdgeFiles, 'maps'>,
): CommandContext {
  let routes: ReadonlyMap<string, Route> | undefined;
  // Most commands need none of them.
  const routeOf = (backend: string): Route | undefined => {
    routes ??= new Map(structure.routes.map((route) => [route.backend, route]));
    return routes.get(backend);
  };
  return {
    mapFiles: maps,
    optionsOf: (backend) => {
      const route = routeOf(backend);
      return route === undefined ? [] : serverOptions(route);
    },
    isSticky: (backend) => routeOf(backend)?.sticky === true,
  };
}

function toBatches(commands: readonly EdgeCommand[]): readonly Batch[] {
  const batches: Batch[] = [];
  let lines: LineCommand[] = [];
  for (const command of commands) {
    if (command.kind === 'replace-map') {
      batches.push({ kind: 'replace-map', command });
      lines = [];
      continue;
    }
    if (lines.length === 0) batches.push({ kind: 'lines', commands: lines });
    lines.push(command);
  }
  return batches;
}

async function sendLines(
  commands: readonly LineCommand[],
  { socket, context, logger }: CommandTarget,
): Promise<readonly EdgeCommand[]> {
  const lines = commands.map((command) => toRuntimeLines(command, context));
  const replies = await runCommands(socket, lines.flat());
  let at = 0;
  return commands.filter((command, index) => {
    const own = replies.slice(at, at + (lines[index]?.length ?? 0));
    at += own.length;
    if (own.every(isSuccess)) return false;
    // A server is only deleted once its connections are gone.
    if (command.kind !== 'delete-server') {
      logger.warn({ command, replies: own }, 'HAProxy refused a command');
    }
    return true;
  });
}
