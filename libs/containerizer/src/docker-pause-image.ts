/**
 * The image of the containers that hold a network and do nothing else. It is made here and given to the engine, as there
 * may be no registry to pull one from, and a task's own image may have no program that only waits.
 */
import { Readable } from 'node:stream';
import type Dockerode from 'dockerode';
import { hasStatus } from './docker-errors.js';

const PROGRAM = '/pause';
const BLOCK = 512;
const LOAD_ADDRESS = 0x400000n;
const ELF_HEADER_BYTES = 64;
const PROGRAM_HEADER_BYTES = 56;

/** By the engine's name for the machine: ELF's number for it, and a loop around a system call that waits for ever. */
const MACHINES: Readonly<Record<string, { readonly number: number; readonly code: string }>> = {
  // mov eax, 34 (pause); syscall; jmp
  x86_64: { number: 62, code: 'b8220000000f05ebf7' },
  // x0..x4 = 0; x8 = 73 (ppoll); svc; b
  aarch64: {
    number: 183,
    code: '000080d2010080d2020080d2030080d2040080d2280980d2010000d4f9ffff17',
  },
};

/** Gives the engine the image unless it has it; returns its name. Harmless to run twice at once. */
export async function ensurePauseImage(docker: Dockerode): Promise<string> {
  const { Architecture: machine } = (await docker.info()) as { readonly Architecture: string };
  const repo = 'pacer/pause';
  const image = `${repo}:1-${machine}`;
  try {
    await docker.getImage(image).inspect();
    return image;
  } catch (error) {
    if (!hasStatus(error, 404)) throw error;
  }
  const archive = Readable.from([toTar(toProgram(machine))]);
  const stream = await docker.importImage(archive, { repo, tag: `1-${machine}` });
  await new Promise<void>((resolve, reject) => {
    docker.modem.followProgress(stream, (error) => (error ? reject(error) : resolve()));
  });
  return image;
}

export const PAUSE_COMMAND: readonly string[] = [PROGRAM];

/** A static program for Linux: one segment that holds the headers and the code. */
function toProgram(machine: string): Buffer {
  const known = MACHINES[machine];
  if (known === undefined) {
    throw new Error(`there is no program to hold a network for engines on ${machine}`);
  }
  const code = Buffer.from(known.code, 'hex');
  const headers = Buffer.alloc(ELF_HEADER_BYTES + PROGRAM_HEADER_BYTES);
  headers.write('7f454c46020101', 0, 'hex');
  headers.writeUInt16LE(2, 16); // executable
  headers.writeUInt16LE(known.number, 18);
  headers.writeUInt32LE(1, 20);
  headers.writeBigUInt64LE(LOAD_ADDRESS + BigInt(headers.length), 24); // entry
  headers.writeBigUInt64LE(BigInt(ELF_HEADER_BYTES), 32); // where the program header is
  headers.writeUInt16LE(ELF_HEADER_BYTES, 52);
  headers.writeUInt16LE(PROGRAM_HEADER_BYTES, 54);
  headers.writeUInt16LE(1, 56); // program headers
  headers.writeUInt16LE(64, 58);
  const segment = ELF_HEADER_BYTES;
  headers.writeUInt32LE(1, segment); // loaded
  headers.writeUInt32LE(5, segment + 4); // read and execute
  headers.writeBigUInt64LE(LOAD_ADDRESS, segment + 16);
  headers.writeBigUInt64LE(LOAD_ADDRESS, segment + 24);
  const size = BigInt(headers.length + code.length);
  headers.writeBigUInt64LE(size, segment + 32);
  headers.writeBigUInt64LE(size, segment + 40);
  headers.writeBigUInt64LE(0x1000n, segment + 48);
  return Buffer.concat([headers, code]);
}

/** An archive (ustar) with the program in it. */
function toTar(program: Buffer): Buffer {
  const header = Buffer.alloc(BLOCK);
  header.write(PROGRAM.slice(1), 0);
  header.write('0000755\0', 100);
  header.write('0000000\0', 108);
  header.write('0000000\0', 116);
  header.write(`${program.length.toString(8).padStart(11, '0')}\0`, 124);
  header.write('00000000000\0', 136);
  header.write('        ', 148);
  header.write('0', 156);
  header.write('ustar\x0000', 257);
  const sum = header.reduce((total, byte) => total + byte, 0);
  header.write(`${sum.toString(8).padStart(6, '0')}\0 `, 148);
  const content = Buffer.alloc(Math.ceil(program.length / BLOCK) * BLOCK);
  program.copy(content);
  return Buffer.concat([header, content, Buffer.alloc(2 * BLOCK)]);
}
