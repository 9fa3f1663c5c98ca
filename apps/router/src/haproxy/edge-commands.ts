import type { EdgeCommand, EdgeContents, EdgeServer } from '#routing';

/** A map is named by its file, in which blanks would end the word. */
export const toMapIdentifier = (file: string): string => file.replace(/[\\ ]/g, '\\$&');

/** The runtime API lines of one planned command. Names and addresses come from cleaned or validated text. */
export function toRuntimeLines(
  command: EdgeCommand,
  context: { readonly hostsMap: string; readonly stickyBackends: ReadonlySet<string> },
): readonly string[] {
  switch (command.kind) {
    case 'add-server': {
      const { backend, server } = command;
      const id = `${backend}/${server.name}`;
      return [
        `add server ${id} ${server.address}:${server.port}`,
        // A server added at run time has no cookie until the key is applied anew.
        ...(context.stickyBackends.has(backend)
          ? [`enable dynamic-cookie backend ${backend}`]
          : []),
        ...(server.state === 'ready' ? [`set server ${id} state ready`] : []),
      ];
    }
    case 'enable-server':
      return [`set server ${command.backend}/${command.server} state ready`];
    case 'disable-server':
      return [`set server ${command.backend}/${command.server} state maint`];
    case 'delete-server':
      return [`del server ${command.backend}/${command.server}`];
    case 'add-host':
      return [`add map ${toMapIdentifier(context.hostsMap)} ${command.host} ${command.backend}`];
    case 'set-host':
      return [`set map ${toMapIdentifier(context.hostsMap)} ${command.host} ${command.backend}`];
    case 'delete-host':
      return [`del map ${toMapIdentifier(context.hostsMap)} ${command.host}`];
    default:
      return command satisfies never;
  }
}

const EXPECTED_REPLIES: ReadonlySet<string> = new Set([
  '',
  'New server registered.',
  'Server deleted.',
]);

/** Whether a reply is what success says. A refused deletion is expected while connections are left. */
export const isSuccess = (reply: string): boolean => EXPECTED_REPLIES.has(reply);

/** What HAProxy has after the commands succeeded. Servers whose deletion was refused stay, in maintenance. */
export function applyCommands(applied: EdgeContents, done: readonly EdgeCommand[]): EdgeContents {
  const servers = new Map(
    [...applied.servers].map(([name, list]) => [name, new Map(list)] as const),
  );
  const hosts = new Map(applied.hosts);
  const setState = (backend: string, name: string, state: EdgeServer['state']): void => {
    const server = servers.get(backend)?.get(name);
    if (server !== undefined) servers.get(backend)?.set(name, { ...server, state });
  };
  for (const command of done) {
    switch (command.kind) {
      case 'add-server': {
        const list = servers.get(command.backend) ?? new Map<string, EdgeServer>();
        servers.set(command.backend, list.set(command.server.name, command.server));
        break;
      }
      case 'enable-server':
        setState(command.backend, command.server, 'ready');
        break;
      case 'disable-server':
        setState(command.backend, command.server, 'maint');
        break;
      case 'delete-server':
        servers.get(command.backend)?.delete(command.server);
        break;
      case 'add-host':
      case 'set-host':
        hosts.set(command.host, command.backend);
        break;
      case 'delete-host':
        hosts.delete(command.host);
        break;
      default:
        command satisfies never;
    }
  }
  return { servers, hosts };
}
