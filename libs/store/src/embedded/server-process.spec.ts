import { describe, expect, it } from 'vitest';
import { relateByCommand, relateToServer } from './server-process.js';

const DIRECTORY = '/var/lib/pacer/postgres/data';
const PROGRAM = '/var/lib/pacer/postgres/bin-18/bin/postgres';

describe('relateByCommand', () => {
  it.each([
    ['a server of the directory', [PROGRAM, '-D', DIRECTORY, '-p', '5432'], 'server'],
    ['a server of another directory', [PROGRAM, '-D', `${DIRECTORY}-2`], 'stranger'],
    ['a server that does not say of which', [PROGRAM, '-p', '5432'], 'unknown'],
    ['a server with half an option', [PROGRAM, '-D'], 'unknown'],
    ['a part of some server', ['postgres: checkpointer '], 'unknown'],
    ['another program with the path', ['tail', '-D', DIRECTORY], 'stranger'],
    ['a kernel thread', [''], 'stranger'],
  ] as const)('knows %s', (_, args, expected) => {
    expect(relateByCommand(args, DIRECTORY)).toBe(expected);
  });
});

describe('relateToServer', () => {
  it('goes by the working directory where that can be read', () => {
    expect(relateToServer(process.pid, process.cwd())).toBe('server');
    expect(relateToServer(process.pid, '/proc')).toBe('stranger');
  });

  it('takes a process that is gone for a stranger', () => {
    expect(relateToServer(2 ** 30, process.cwd())).toBe('stranger');
  });
});
